"""The rules, a file each; the name of the file with `-` for `_` is the name of the rule."""
