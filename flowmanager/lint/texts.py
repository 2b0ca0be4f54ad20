"""The texts of an option and the placeholders in them, each with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowmanager.core.variables import placeholders
from flowmanager.lint.step import Step


def texts_of(step: Step) -> Iterator[tuple[str, str]]:
    """Yield path and text of every leaf of an option whose placeholders are replaced."""
    return leaves(step.live, f"{step.path}.option")


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of every text in a JSON value."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")


def keys_of(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield path and name of every key in a JSON value."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"{path}.{key}", key
            yield from keys_of(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from keys_of(inner, f"{path}[{number}]")


def names_by_path(step: Step) -> Iterator[tuple[str, str]]:
    """Yield path and name of every placeholder of an action, each name of a text once."""
    for path, text in texts_of(step) if step.names else ():
        for name in dict.fromkeys(names_of(text)):
            yield path, name


def names_of(text: str) -> Iterator[str]:
    """Yield the names of the placeholders in a text."""
    return (text[begin + 2 : end - 1] for begin, end in placeholders(text))


def quoted(text: str) -> str:
    """Return a text as findings quote it: one line, not too long."""
    plain = text.replace("\n", "\\n")
    return f'"{plain[:60]}…"' if len(plain) > 60 else f'"{plain}"'
