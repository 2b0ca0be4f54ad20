"""The scenarios, a file each, named like what is measured."""
