"""Field types of the wire."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from marshmallow import ValidationError, fields

from flowmanager.core.ids import NIL
from flowmanager.schemas.fields import (
    Address,
    Anonymous,
    Flag,
    Form,
    Items,
    Json,
    JsonObject,
    Milliseconds,
    Named,
    Number,
    Record,
    Text,
    Uuid,
    Value,
    Whole,
    first_fault,
    parse_id,
    paths,
)

ID = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"


@given(some.uuids())
def test_every_spelling_of_a_uuid_is_the_same_id(value: Any) -> None:
    """Canonical in either case, 32 digits, in braces, as urn."""
    text = str(value)
    spellings = [text, text.upper(), value.hex, f"{{{text}}}", f"{{{value.hex}}}", value.urn, f"urn:uuid:{value.hex}"]
    assert {parse_id(spelling) for spelling in spellings} == {text}


@pytest.mark.parametrize(
    "text",
    ["", "x", ID[:-1], f"{ID}0", f"{{{ID}", f"{ID}}}", ID.replace("-", "", 1), f" {ID}", f"{ID}\n", "g" + ID[1:]],
)
def test_what_is_no_uuid(text: str) -> None:
    """The empty text neither."""
    assert parse_id(text) is None


@given(some.text())
def test_any_text_can_be_tried_as_a_uuid(text: str) -> None:
    """It never fails."""
    assert parse_id(text) is None or len(text) >= 32


ACCEPTED: list[tuple[Value, Any, Any]] = [
    (Uuid(), ID.upper(), ID),
    (Text(), "", ""),
    (Text(), "ä", "ä"),
    (Number(), 5, 5.0),
    (Number(), -0.5, -0.5),
    (Whole(), 5, 5),
    (Whole(), 5.0, 5),
    (Whole(), -(2**63), -(2**63)),
    (Milliseconds(), 1500, 1500),
    (Milliseconds(), -1, 0),
    (Flag(), True, True),
    (Items(Whole()), [1, 2.0, None], [1, 2, 0]),
    (Items(Text()), (), []),
    (Named(Uuid()), {"1": ID, "": None}, {"1": ID, "": NIL}),
    (Record({"a": Text(), "b": Whole()}), {"a": "x", "c": 1}, {"a": "x", "b": 0}),
    (Json(), [1], [1]),
    (JsonObject(), {"a": [1]}, {"a": [1]}),
    (Address(), {"type": "tel", "target": "", "name": None, "other": 5}, {"type": "tel"}),
    (Anonymous(), "auto", "auto"),
]


@pytest.mark.parametrize(("field", "value", "expected"), ACCEPTED)
def test_a_value_is_taken_in_our_form(field: Value, value: Any, expected: Any) -> None:
    """Whole numbers may be written as floats, ids in any spelling; parts that are unknown are left out."""
    found = field.deserialize(value)
    assert found == expected
    assert type(found) is type(expected)


REFUSED: list[tuple[Value, Any, str]] = [
    (Uuid(), "", "Not a uuid."),
    (Uuid(), 5, "Not a uuid."),
    (Text(), 5, "Not a text."),
    (Number(), "5", "Not a number."),
    (Number(), True, "Not a number."),
    (Whole(), 5.5, "Not a whole number."),
    (Whole(), "5", "Not a whole number."),
    (Whole(), False, "Not a whole number."),
    (Whole(), float("inf"), "Not a whole number."),
    (Whole(), float("nan"), "Not a whole number."),
    (Whole(), 2**63, "Not within 64 bits."),
    (Whole(), 10**400, "Not within 64 bits."),
    (Milliseconds(), 10**12, "Longer than ten years."),
    (Flag(), 1, "Not a boolean."),
    (Items(Text()), "text", "Not a list."),
    (Named(Uuid()), [], "Not an object."),
    (JsonObject(), [], "Not an object."),
    (Address(), "+49", "Not an object."),
    (Anonymous(), "YES", "Must be empty, yes, no or auto."),
    (Anonymous(), [], "Must be empty, yes, no or auto."),
]


@pytest.mark.parametrize(("field", "value", "sentence"), REFUSED)
def test_a_value_of_another_kind_is_refused(field: Value, value: Any, sentence: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValidationError) as caught:
        field.deserialize(value)
    assert caught.value.messages == [sentence]


DEFAULTS: list[tuple[Value, Any]] = [
    (Uuid(), NIL),
    (Text(), ""),
    (Number(), 0.0),
    (Whole(), 0),
    (Whole(load_default=-1), -1),
    (Whole(load_default=None), None),
    (Flag(), False),
    (Items(Text()), []),
    (Items(Text(), load_default=None), None),
    (Named(Text()), {}),
    (Record({}), None),
    (Json(), None),
    (JsonObject(), None),
    (Address(), None),
    (Address(load_default=dict), {}),
]


@pytest.mark.parametrize(("field", "expected"), DEFAULTS)
def test_null_means_the_same_as_absence(field: Value, expected: Any) -> None:
    """The default, or the zero value."""
    form = Form.from_dict({"a": field})()
    assert form.load({}) == form.load({"a": None}) == {"a": expected}


@pytest.mark.parametrize(
    ("given_one", "expected"),
    [
        ({"A": "x", "asYNC": True, "one": {"INNER": "y"}}, {"a": "x", "b": True, "one": {"inner": "y"}}),
        ({"A": "x", "a": "exact"}, {"a": "exact", "b": False, "one": None}),
        ({"ı": "x", "a ": "x", "b": True}, {"a": "", "b": False, "one": None}),  # noqa: RUF001, meant
    ],
)
def test_keys_are_known_in_any_case(given_one: Any, expected: Any) -> None:
    """The exact one goes first; a key that is not sent that way is not known."""
    form = Form.from_dict({"a": Text(), "b": Flag(data_key="async"), "one": Record({"inner": Text()})})()
    assert form.load(given_one) == expected


def test_what_is_required_must_be_there() -> None:
    """Null is absent too."""
    form = Form.from_dict({"a": Text(required=True)})()
    for given_one in ({}, {"a": None}):
        with pytest.raises(ValidationError):
            form.load(given_one)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"list": [{"a": 1}, {}]}, "list[0].a"),
        ({"list": [{}, 5]}, "list[1]"),
        ({"map": {"x": 1}}, "map.x"),
        ({"list": 5}, "list"),
    ],
)
def test_a_fault_is_named_by_its_path(value: Any, path: str) -> None:
    """Through lists and objects."""
    form = Form.from_dict({"list": Items(Record({"a": Text()})), "map": Named(Text())})()
    with pytest.raises(ValidationError) as caught:
        form.load(value)
    assert first_fault(caught.value)[0] == path


def test_all_faults_are_found() -> None:
    """Also those of a whole form."""
    assert paths({"_schema": ["a"], "b": {0: ["c"], "d": ["e", "f"]}}) == [
        ("", "a"),
        ("b[0]", "c"),
        ("b.d", "e"),
        ("b.d", "f"),
    ]


def test_marshmallows_own_fields_fit_in_lists() -> None:
    """Their messages are told by position too."""
    with pytest.raises(ValidationError) as caught:
        Items(fields.Integer()).deserialize([1, "x"])
    assert first_fault(caught.value)[0] == "[1]"
