"""YAML read so that every complaint can name a line, and so that nothing changes its meaning on the way.

A zone `NO` stays a text, `007` is no octal number and `12:30` no number of minutes: a plain word is a number only where
JSON would read one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.simulation.script import InvalidScript

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
UNITS = (3600.0, 60.0, 1.0, 0.001)


@dataclass(slots=True)
class Origin:
    """Where values come from: lines and the spelling of scalars, by path."""

    source: str = ""
    lines: dict[str, int] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)


@frozen
class Part:
    """A value of a script and its path."""

    value: Any
    path: str
    origin: Origin

    def fail(self, why: str) -> InvalidScript:
        """Return an error that names file, line and path."""
        line = self.origin.lines.get(self.path)
        where = [self.origin.source, f"line {line}" if line else "", self.path]
        return InvalidScript(f"{', '.join(one for one in where if one)}: {why}", path=self.path, line=line)

    def text(self) -> str:
        """Return a text, a number or a boolean as it is written. Raises InvalidScript."""
        if isinstance(self.value, Mapping | list | tuple) or self.value is None:
            raise self.fail("must be a text")
        if isinstance(self.value, bool):
            return self.origin.spelled.get(self.path, str(self.value).lower())
        return self.origin.spelled.get(self.path, str(self.value))

    def word(self, *known: str) -> str:
        """Return one of some words. Raises InvalidScript."""
        text = self.text()
        if text not in known:
            raise self.fail(f"must be {either(known)}, not {text!r}{meant(text, known)}")
        return text

    def seconds(self) -> float:
        """Return a duration such as `5s`, `300ms`, `2m`, `1h30m`; a number means seconds. Raises InvalidScript."""
        found = duration(self.text())
        if found is None:
            raise self.fail(f"must be a time such as 5s, 300ms or 2m, not {self.text()!r}")
        return found

    def fields(self, *known: str) -> dict[str, Part]:
        """Return the entries of an object that may have these keys. Raises InvalidScript."""
        entries = self.pairs()
        for key, part in entries.items():
            if key not in known:
                raise part.fail(f"unknown{meant(key, known)}; possible here: {', '.join(known)}")
        return entries

    def pairs(self) -> dict[str, Part]:
        """Return the entries of an object with keys of any kind. Raises InvalidScript."""
        if not isinstance(self.value, Mapping):
            raise self.fail("must have entries of the form `name: value`")
        return {str(key): self.at(f".{key}", value) for key, value in self.value.items()}

    def items(self) -> list[Part]:
        """Return the items of a list; a single value is a list of one."""
        if not isinstance(self.value, list | tuple):
            return [self]
        return [self.at(f"[{number}]", value) for number, value in enumerate(self.value)]

    def at(self, step: str, value: Any) -> Part:
        """Return a part of this part."""
        return Part(value, f"{self.path}{step}".lstrip("."), self.origin)

    def texts(self) -> dict[str, str]:
        """Return an object of texts. Raises InvalidScript."""
        return {key: part.text() for key, part in self.pairs().items()}


def duration(text: str) -> float | None:
    """Return the seconds that a text means; None: it means none."""
    if NUMBER.fullmatch(text):
        return float(text) if float(text) >= 0 else None
    found = DURATION.fullmatch(text.replace(" ", ""))
    if not found or not any(found.groups()):
        return None
    return sum(float(value) * unit for value, unit in zip(found.groups(), UNITS, strict=True) if value)


def either(known: tuple[str, ...]) -> str:
    """Return a choice of words as it is said."""
    return " or ".join(filter(None, (", ".join(known[:-1]), known[-1])))


def meant(word: str, known: tuple[str, ...]) -> str:
    """Return what was probably meant by a misspelled word."""
    close = get_close_matches(word, known, 1)
    return f": did you mean {close[0]!r}?" if close else ""


def read_yaml(text: str, source: str) -> Part:
    """Return a YAML text as one part. Raises InvalidScript, also when the package for YAML is not there."""
    try:
        import yaml  # noqa: PLC0415 (an extra: a worker does not need it)
    except ImportError as error:
        raise InvalidScript("scripts in YAML need the package PyYAML: pip install 'flowmanager[simulate]'") from error
    origin = Origin(source)
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InvalidScript(f"{source}{line}: not YAML: {getattr(error, 'problem', None) or error}") from error
    try:
        value = {} if node is None else value_of(node, "", origin)
    except RecursionError:
        raise InvalidScript(f"{source}: nested too deep, or a part that contains itself") from None
    return Part(value, "", origin)


def value_of(node: Any, path: str, origin: Origin) -> Any:
    """Return a YAML node as a plain value and remember where it stands."""
    origin.lines[path] = node.start_mark.line + 1
    if node.id == "mapping":
        return {key: value_of(value, f"{path}.{key}".lstrip("."), origin) for key, value in entries(node, path, origin)}
    if node.id == "sequence":
        return [value_of(value, f"{path}[{number}]", origin) for number, value in enumerate(node.value)]
    origin.spelled[path] = node.value
    return plain(node.value) if node.style is None else node.value


def entries(node: Any, path: str, origin: Origin) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a YAML mapping. Raises InvalidScript for a key that is no text or comes twice."""
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.id != "scalar" or key.value in seen:
            why = "the same name twice" if key.id == "scalar" else "a name must be a text"
            shown = f"{path}.{key.value}".lstrip(".") if key.id == "scalar" else path
            raise InvalidScript(f"{origin.source}, line {line}, {shown}: {why}", path=shown, line=line)
        seen.add(key.value)
        yield key.value, value


def plain(text: str) -> Any:
    """Return what a plain word means: what it means in JSON, else itself."""
    if text in WORDS:
        return WORDS[text]
    found = NUMBER.fullmatch(text)
    if found is None:
        return text
    return float(text) if found[2] else int(text)
