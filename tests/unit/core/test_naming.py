"""Action ids that are names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.naming import TARGETS, references, rename, unknown
from tests.unit.core.builders import known

NAMES = {"menu": known("menu"), "end": known("end")}


def is_name(text: str) -> bool:
    """Say whether a text stands for an id."""
    return bool(text) and not text.startswith("id ")


@pytest.mark.parametrize("key", ["target_id", "default_target_id", "false_target_id"])
def test_a_target_is_renamed(key: str) -> None:
    """Whichever option holds it."""
    assert rename({key: "menu", "text": "menu"}, NAMES) == {key: known("menu"), "text": "menu"}
    assert list(unknown({key: "nowhere"}, NAMES, is_name)) == [(key,)]


def test_targets_by_value_are_renamed() -> None:
    """The values keep their names; ids stay; the unknown ones are told with their paths."""
    option = {"target_ids": {"1": "menu", "2": "id x", "menu": "end"}}
    assert rename(option, NAMES) == {"target_ids": {"1": known("menu"), "2": "id x", "menu": known("end")}}
    assert list(unknown(option, NAMES, is_name)) == []
    strange = {"target_id": "gone", "target_ids": {"1": "menu", "2": "nowhere"}}
    assert list(unknown(strange, NAMES, is_name)) == [("target_id",), ("target_ids", "2")]


@pytest.mark.parametrize(
    "option",
    [
        {},
        {"target_id": 5},
        {"target_id": None},
        {"target_ids": None},
        {"target_ids": ["menu"]},
        {"target_ids": {"1": 2}},
    ],
    ids=repr,
)
def test_what_refers_to_nothing(option: dict[str, Any]) -> None:
    """It stays as it is: the check of options says what is wrong with it."""
    assert (list(references(option)), rename(option, NAMES), list(unknown(option, NAMES, is_name))) == ([], option, [])


targets = some.sampled_from([*NAMES, "nowhere", "id x", ""]) | some.none() | some.integers()
options = some.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(TARGETS, targets),
        "target_ids": some.dictionaries(some.text(max_size=2), targets, max_size=4) | targets,
        "text": some.sampled_from([*NAMES]),
    },
)


@given(options)
def test_every_reference_to_a_name_becomes_its_id(option: dict[str, Any]) -> None:
    """The others stay, and so does all that is no reference; the option given is not changed."""
    before = repr(option)
    found = rename(option, NAMES)
    assert list(references(found)) == [(path, NAMES.get(target, target)) for path, target in references(option)]
    assert (found.keys(), found.get("text")) == (option.keys(), option.get("text"))
    assert repr(option) == before


@given(options)
def test_a_name_that_no_action_has_is_found(option: dict[str, Any]) -> None:
    """By the path at which it is written."""
    strange = [place for place, target in references(option) if target == "nowhere"]
    assert list(unknown(option, NAMES, is_name)) == strange
