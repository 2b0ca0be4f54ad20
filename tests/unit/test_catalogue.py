"""The catalogue of action types: complete, and its JSON Schemas say what the forms do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from marshmallow import ValidationError

from flowmanager.catalogue import catalogue, option_schema
from flowmanager.core.action import Action
from flowmanager.core.ids import NIL
from flowmanager.errors import InvalidRequest
from flowmanager.executors import check_actions, public_executors
from flowmanager.schemas.json_schema import TARGET, form_schema
from flowmanager.schemas.options import NoOption, check_option

ENTRIES = {one["type"]: one for one in catalogue()}
TYPES = sorted(ENTRIES)
TARGETS = ("target_id", "default_target_id", "false_target_id", "target_ids")
UUIDS = ("5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10", "{5C6F0A4E0D7B4B8E9A513F2F6F1C7D10}", "5c6f0a4e")
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.sampled_from([*UUIDS, "yes", "*"])
NAMES = st.sampled_from(["type", "target", "reference_id", "1", "x"])
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


def option_of(action_type: str, form: dict[str, Any], draw: st.DataObject) -> dict[str, Any]:
    """Any JSON in some of the fields of an option."""
    fields = st.fixed_dictionaries({}, optional=dict.fromkeys(form["properties"], JSON))
    option: dict[str, Any] = draw.draw(fields, label=action_type)
    return option


def test_every_public_type_is_listed_with_words_of_its_own() -> None:
    """Title and description come from its file."""
    assert set(ENTRIES) == set(public_executors())
    assert len({one["description"] for one in ENTRIES.values()}) == len(ENTRIES)
    assert all(one["description"] and one["title"] for one in ENTRIES.values())


def test_what_is_told_of_a_type() -> None:
    """Whether it needs media, who does it, what its failure means."""
    told = {key: value for key, value in ENTRIES["sleep"].items() if key not in ("option", "examples")}
    assert told == {
        "type": "sleep",
        "title": "Sleep",
        "description": "Wait for a time. It needs no media: a durable timer of our own, unless the caller asked for "
        "the action.",
        "media": False,
        "runs_on": "any",
        "handled_by": "caller or flow-manager",
        "ends_flow_on_error": False,
    }
    assert (ENTRIES["talk"]["media"], ENTRIES["talk"]["handled_by"]) == (True, "caller or call-manager")
    assert (ENTRIES["ai_talk"]["title"], ENTRIES["branch"]["handled_by"]) == ("AI talk", "flow-manager")


@pytest.mark.parametrize("action_type", TYPES)
def test_every_option_says_what_it_means(action_type: str) -> None:
    """In a sentence of its own: the one that all targets share says nothing of where it goes when."""
    told = [one.get("description", "") for one in ENTRIES[action_type]["option"]["properties"].values()]
    assert all(sentence.endswith(".") and sentence != TARGET["description"] for sentence in told)


@pytest.mark.parametrize("action_type", TYPES)
def test_the_schema_is_one(action_type: str) -> None:
    """It is valid JSON Schema of the version that it names."""
    Draft202012Validator.check_schema(ENTRIES[action_type]["option"])


@pytest.mark.parametrize("action_type", TYPES)
def test_the_examples_are_good(action_type: str) -> None:
    """For the JSON Schema and for our own form; a type with options has an example of them."""
    executor = public_executors()[action_type]
    validator = Draft202012Validator(ENTRIES[action_type]["option"])
    for example in ENTRIES[action_type]["examples"]:
        assert bool(example.get("option")) == (executor.option is not NoOption)
        option = example.get("option", {})
        validator.validate(option)
        named = {key: value for key, value in option.items() if key in TARGETS}
        check_actions([Action(NIL, action_type, {**option, **dict.fromkeys(named)})], "actions")


@pytest.mark.parametrize("action_type", TYPES)
@settings(max_examples=25)
@given(draw=st.data())
def test_what_the_schema_refuses_the_form_refuses(action_type: str, draw: st.DataObject) -> None:
    """So nobody is kept from sending what would be taken."""
    executor = public_executors()[action_type]
    schema = form_schema(executor.option)
    option = option_of(action_type, schema, draw)
    if not Draft202012Validator(schema).is_valid(option):
        with pytest.raises(ValidationError):
            executor.option().load(option, partial=True)


@pytest.mark.parametrize("action_type", TYPES)
@settings(max_examples=25)
@given(draw=st.data())
def test_what_the_schema_of_stored_options_refuses_is_not_stored(action_type: str, draw: st.DataObject) -> None:
    """The one that the catalogue shows; names of actions are replaced before the form sees them."""
    executor = public_executors()[action_type]
    option = option_of(action_type, ENTRIES[action_type]["option"], draw)
    if not Draft202012Validator(option_schema(executor)).is_valid(option):
        with pytest.raises(InvalidRequest):
            check_option(executor.option, option, "option")


@pytest.mark.parametrize(
    ("action_type", "option", "good"),
    [
        ("sleep", {"duration": 5}, True),
        ("sleep", {"duration": 5.0}, True),
        ("sleep", {"duration": None}, True),
        ("sleep", {"duration": "${pause}"}, True),
        ("sleep", {"duration": "5"}, False),
        ("sleep", {"duration": 10**13}, False),
        ("sleep", {"duration": 5, "unknown": 1}, True),
        ("goto", {"target_id": "menu", "loop_count": 3}, True),
        ("goto", {"target_id": 5}, False),
        ("fetch_flow", {"flow_id": "menu"}, False),
        ("fetch_flow", {"flow_id": "${flow}"}, True),
        ("branch", {"target_ids": {"1": "menu"}}, True),
        ("branch", {"target_ids": ["menu"]}, False),
        ("call", {"anonymous": "yes"}, True),
        ("call", {"anonymous": "maybe"}, False),
        ("call", {"destinations": [{"target": "+1"}], "chained": True}, True),
        ("call", {"destinations": [5]}, False),
        ("condition_datetime", {"hour": 23}, True),
        ("condition_datetime", {"hour": 24}, False),
        ("talk", {"async": "yes"}, False),
    ],
)
def test_what_is_refused(action_type: str, option: dict[str, Any], good: bool) -> None:
    """Wrong types and values; not what may be known later."""
    assert Draft202012Validator(ENTRIES[action_type]["option"]).is_valid(option) == good
