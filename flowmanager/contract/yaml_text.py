"""A document as YAML that people can read."""

from __future__ import annotations

from typing import Any

import yaml

WIDTH = 118
HEAD = "# Written by `flowmanager contract asyncapi`; do not edit.\n"


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and everything out instead of referring back."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write the same thing twice."""
        del data
        return True


def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Write a text, as a block if it has several lines."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, text)


def yaml_text(document: Any) -> str:
    """Return a document as YAML."""
    return HEAD + yaml.dump(document, Dumper=Dumper, sort_keys=False, width=WIDTH, allow_unicode=True)
