"""The example of a settings file, written from the settings themselves.

Write it anew with: python -m tests.unit.settings_example > config/flowmanager.env.example
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from flowmanager.core.limits import Limits
from flowmanager.settings import Settings, limit_variable_of, variable_of

HEAD = """\
# The settings of flowmanager, as environment variables. Each line shows the default; remove its # to change it."""
WIDTH = 118


def reasons(owner: type) -> dict[str, str]:
    """Return what is written under each field of a class."""
    (tree,) = ast.parse(inspect.getsource(owner)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for line, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(following, ast.Expr):
            assert isinstance(following.value, ast.Constant)
            found[line.target.id] = " ".join(str(following.value.value).split())
    return found


def shown(value: Any) -> str:
    """Return a value as one would write it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def unit(name: str, kind: str, reason: str) -> str:
    """Return what a number counts, or what else can be written."""
    if reason.startswith("Characters"):
        return "characters"
    known = {"seconds": "seconds", "bytes": "bytes"}.get(name.rpartition("_")[2])
    return known or {"str": "text", "bool": "true or false", "int": "number"}[kind]


def wrapped(text: str) -> Iterator[str]:
    """Yield a text as lines of comment."""
    line = "#"
    for word in text.split():
        if len(line) + 1 + len(word) > WIDTH:
            yield line
            line = "#"
        line = f"{line} {word}"
    yield line


def entry(variable: str, one: Any, reason: str) -> str:
    """Return one setting: its reason, its unit, its default."""
    lines = wrapped(f"{reason} ({unit(one.name, str(one.type), reason)})")
    return "\n".join([*lines, f"#{variable}={shown(one.default)}"])


def example() -> str:
    """Return the file."""
    general, limits = reasons(Settings), reasons(Limits)
    plain = [entry(variable_of(one.name), one, general[one.name]) for one in fields(Settings) if one.name != "limits"]
    limited = [entry(limit_variable_of(one.name), one, limits[one.name]) for one in fields(Limits)]
    return "\n\n".join([HEAD, *plain, *limited]) + "\n"


if __name__ == "__main__":
    print(example(), end="")
