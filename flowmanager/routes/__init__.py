"""The URIs, one file each; the file is named like the URI."""
