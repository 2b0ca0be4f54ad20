"""Where a path is written in a JSON text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.lint.lines import line_of, lines_of

TEXT = """
{
  "name": "a, b: {[\\"",
  "actions": [
    {"type": "talk",
     "option": {
       "text": "x",
       "list": [1,
                2]
     }}, {}
  ],
  "last":
    null
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 2),
        ("name", 3),
        ("actions", 4),
        ("actions[0]", 5),
        ("actions[0].type", 5),
        ("actions[0].option", 6),
        ("actions[0].option.text", 7),
        ("actions[0].option.list[0]", 8),
        ("actions[0].option.list[1]", 9),
        ("actions[1]", 10),
        ("last", 12),
        # not written: the nearest thing around
        ("actions[1].option.text", 10),
        ("actions[0].next_id", 5),
        ("on_complete_flow_id", 2),
        ("data", 2),
    ],
)
def test_the_line_of_a_path(path: str, line: int) -> None:
    """A key's line is its own, not that of its value."""
    assert line_of(lines_of(TEXT), path) == line


KEYS = some.text(alphabet='ab"\\{}[],: \n', min_size=1, max_size=4)
VALUES = some.recursive(
    some.none() | some.booleans() | some.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(KEYS, inner, max_size=3),
)


def paths(value: Any, path: str = "") -> list[str]:
    """All paths of a value, in their order."""
    inner: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        inner = [(f"{path}.{key}" if path else key, one) for key, one in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{number}]", one) for number, one in enumerate(value)]
    return [path, *(found for place, one in inner for found in paths(one, place))]


@given(VALUES, some.sampled_from([None, 0, 2]))
def test_every_path_has_a_line(value: Any, indent: int | None) -> None:
    """However the text is laid out, and lines grow with the paths."""
    lines = lines_of(json.dumps(value, indent=indent))
    assert list(dict.fromkeys(paths(value))) == list(lines)
    assert list(lines.values()) == sorted(lines.values()) or len(paths(value)) != len(lines)
