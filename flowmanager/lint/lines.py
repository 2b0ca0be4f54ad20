"""The line of a JSON text on which a path is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from json import loads

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|\n|[^\s{}\[\],:"]+')


def lines_of(text: str) -> Mapping[str, int]:
    """Return the line of every value of a JSON text, by its path; that of the whole is empty."""
    return dict(Walk().places(text))


class Walk:
    """Where a reader of a JSON text is: the containers around, and in each the key or the position."""

    def __init__(self) -> None:
        self.keys: list[str | int] = []
        self.line = 1
        self.key_next = False

    def places(self, text: str) -> Iterator[tuple[str, int]]:
        """Yield the path of every value, and its line; that of a key where it has one."""
        begun = 1
        for found in TOKEN.finditer(text):
            token = found[0]
            if token == "\n":
                self.line += 1
            elif token in "}]":
                self.keys.pop()
                self.key_next = False
            elif token == ",":
                self.go_on()
            elif self.key_next and token != ":":
                self.keys[-1], self.key_next, begun = loads(token), False, self.line
                yield self.path, begun
            elif token != ":":
                yield self.path, begun if self.in_object else self.line
                self.enter(token)

    def enter(self, token: str) -> None:
        """Go into a container."""
        if token == "{":
            self.keys.append("")
            self.key_next = True
        elif token == "[":
            self.keys.append(0)

    def go_on(self) -> None:
        """Come to the next value of a container."""
        last = self.keys[-1]
        if isinstance(last, int):
            self.keys[-1] = last + 1
        else:
            self.key_next = True

    @property
    def in_object(self) -> bool:
        """Whether the value at hand has a key."""
        return bool(self.keys) and isinstance(self.keys[-1], str)

    @property
    def path(self) -> str:
        """The path of the value at hand."""
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys).removeprefix(".")


def line_of(lines: Mapping[str, int], path: str) -> int:
    """Return the line of a path; of what is not written, that of the nearest thing around it."""
    while path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines[path]
