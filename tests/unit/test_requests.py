"""The forms of request bodies."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from marshmallow import Schema, ValidationError

from flowmanager import executors
from flowmanager.core.ids import NIL
from flowmanager.discover import collect
from flowmanager.executor import Executor
from flowmanager.schemas import requests
from flowmanager.schemas.fields import Form, Value, first_fault
from flowmanager.schemas.requests import (
    ActionsOnly,
    ActiveflowCreate,
    CurrentAction,
    CustomerOnly,
    FlowCreate,
    FlowTexts,
    ForwardAction,
    ServiceStop,
    SetVariables,
    Substitute,
)

ID = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"
FORMS = [one for one in vars(requests).values() if isinstance(one, type) and issubclass(one, Form) and one().fields]
"""Those that have fields."""
EMPTY_ACTION = {"id": NIL, "next_id": NIL, "type": "", "option": None}

DEFAULTS: list[tuple[type[Form], dict[str, Any]]] = [
    (FlowTexts, {"name": "", "detail": "", "actions": [], "on_complete_flow_id": NIL}),
    (FlowCreate, {"customer_id": NIL, "type": "", "persist": False, "name": "", "detail": "", "actions": []}),
    (ActionsOnly, {"actions": []}),
    (CustomerOnly, {"customer_id": NIL}),
    (
        ActiveflowCreate,
        {
            **dict.fromkeys(("id", "customer_id", "flow_id", "reference_id", "reference_activeflow_id"), NIL),
            **dict.fromkeys(("reference_type", "webhook_uri", "webhook_method"), ""),
            "variables": {},
        },
    ),
    (CurrentAction, {"current_action_id": NIL}),
    (ForwardAction, {"forward_action_id": NIL, "forward_now": False}),
    (ServiceStop, {"service_id": NIL}),
    (SetVariables, {"variables": {}}),
    (Substitute, {"data": ""}),
]


@pytest.mark.parametrize(("form", "defaults"), DEFAULTS, ids=[case[0].__name__ for case in DEFAULTS])
def test_what_is_absent_or_null_has_its_zero_value(form: type[Form], defaults: dict[str, Any]) -> None:
    """As peers that omit empty values, or write them as null, expect; unknown keys are ignored."""
    for body in ({}, dict.fromkeys(defaults), {"unknown": 5}):
        loaded = form().load(body)
        assert {key: loaded[key] for key in defaults} == defaults
        assert "unknown" not in loaded


def test_every_form_is_in_the_table() -> None:
    """So a new one must say what its zero values are."""
    assert {form for form, _ in DEFAULTS} == set(FORMS)


ACTIONS: list[tuple[str, Any, list[dict[str, Any]]]] = [
    ("nothing said", [{}], [EMPTY_ACTION]),
    ("nulls", [{"id": None, "next_id": None, "type": None, "option": None}], [EMPTY_ACTION]),
    ("a null action", [None], [EMPTY_ACTION]),
    ("an id in any spelling", [{"id": ID.upper()}], [{**EMPTY_ACTION, "id": ID}]),
    ("a name", [{"id": "menu", "next_id": "end "}], [{**EMPTY_ACTION, "id": "menu", "next_id": "end "}]),
    ("an option of any form", [{"option": {"a": [{}, 1]}}], [{**EMPTY_ACTION, "option": {"a": [{}, 1]}}]),
    ("keys of peers", [{"type": "talk", "tm_execute": None, "new": 1}], [{**EMPTY_ACTION, "type": "talk"}]),
]


@pytest.mark.parametrize(("actions", "expected"), [case[1:] for case in ACTIONS], ids=[case[0] for case in ACTIONS])
def test_actions(actions: Any, expected: list[dict[str, Any]]) -> None:
    """The same in every form that has them."""
    for form in (FlowCreate, FlowTexts, ActionsOnly):
        assert form().load({"actions": actions})["actions"] == expected


REFUSED: list[tuple[type[Form], dict[str, Any], str]] = [
    (FlowCreate, {"name": 5}, "name"),
    (FlowCreate, {"name": "x" * 256}, "name"),
    (FlowCreate, {"type": "x" * 256}, "type"),
    (FlowCreate, {"detail": "é" * 32_768}, "detail"),
    (FlowCreate, {"persist": "true"}, "persist"),
    (FlowCreate, {"persist": 1}, "persist"),
    (FlowCreate, {"customer_id": "x"}, "customer_id"),
    (FlowCreate, {"customer_id": 5}, "customer_id"),
    (FlowTexts, {"on_complete_flow_id": ""}, "on_complete_flow_id"),
    (ActionsOnly, {"actions": {}}, "actions"),
    (ActionsOnly, {"actions": "talk"}, "actions"),
    (ActionsOnly, {"actions": [{}, 5]}, "actions[1]"),
    (ActionsOnly, {"actions": [{}, {"id": 5}]}, "actions[1].id"),
    (ActionsOnly, {"actions": [{"id": " "}]}, "actions[0].id"),
    (ActionsOnly, {"actions": [{"id": "x" * 256}]}, "actions[0].id"),
    (ActionsOnly, {"actions": [{"next_id": []}]}, "actions[0].next_id"),
    (ActionsOnly, {"actions": [{"type": 5}]}, "actions[0].type"),
    (ActionsOnly, {"actions": [{"option": []}]}, "actions[0].option"),
    (ActiveflowCreate, {"reference_type": "fax"}, "reference_type"),
    (ActiveflowCreate, {"reference_type": "Call"}, "reference_type"),
    (ActiveflowCreate, {"webhook_uri": "x" * 1025}, "webhook_uri"),
    (ActiveflowCreate, {"webhook_method": "PATCH"}, "webhook_method"),
    (ActiveflowCreate, {"variables": []}, "variables"),
    (ActiveflowCreate, {"variables": {"k": 5}}, "variables.k"),
    (SetVariables, {"variables": {"k": {"a": "b"}}}, "variables.k"),
    (ForwardAction, {"forward_now": 0}, "forward_now"),
    (Substitute, {"data": {}}, "data"),
]


@pytest.mark.parametrize(("form", "body", "path"), REFUSED)
def test_a_wrong_value_is_refused_by_its_path(form: type[Form], body: dict[str, Any], path: str) -> None:
    """The sentence says what was expected."""
    with pytest.raises(ValidationError) as caught:
        form().load(body)
    where, sentence = first_fault(caught.value)
    assert where == path
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "body",
    [{"name": "x" * 255, "detail": "é" * 32_767 + "x"}, {"type": "x" * 255}, {"actions": [{"id": "x" * 255}]}],
    ids=["name and detail", "type", "name of an action"],
)
def test_the_longest_texts(body: dict[str, Any]) -> None:
    """Just as long as their columns."""
    assert FlowCreate().load(body)


@pytest.mark.parametrize(
    "kind", ["", "ai", "api", "call", "campaign", "conversation", "message", "recording", "transcribe", "webchat"]
)
def test_reference_types(kind: str) -> None:
    """Everything that an activeflow can belong to."""
    assert ActiveflowCreate().load({"reference_type": kind})["reference_type"] == kind


@pytest.mark.parametrize("method", ["", "POST", "GET", "PUT", "DELETE"])
def test_webhook_methods(method: str) -> None:
    """Upper case only."""
    assert ActiveflowCreate().load({"webhook_method": method})["webhook_method"] == method


def test_variables_are_texts() -> None:
    """A null is the empty text; names are taken as they are."""
    loaded = SetVariables().load({"variables": {" a ": "x", "": None}})
    assert loaded["variables"] == {" a ": "x", "": ""}


trees = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.just(ID),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


def told(load: Callable[[], Any]) -> str:
    """What came of reading a body; as text, in which numbers that are none are equal."""
    try:
        return repr(load())
    except ValidationError as error:
        return f"refused: {error.messages}"


EVERY_FORM = [*FORMS, *{one.option for one in collect(executors, Executor)}]


@given(some.sampled_from(EVERY_FORM), some.data())
def test_what_is_read_without_the_library_is_what_it_would_read(form: type[Form], data: some.DataObject) -> None:
    """Also for absent parts, keys in other cases and unknown ones."""
    keys = [field.data_key or name for name, field in form().fields.items()]
    key = some.sampled_from([*keys, *(one.upper() for one in keys), "x"])
    body = data.draw(some.dictionaries(key, trees | some.just("POST")))
    assert told(lambda: form().load(body)) == told(lambda: Schema.load(form(), body))


def test_every_form_is_read_without_the_library() -> None:
    """It is about fields of our own, and nothing that happens before or after them but keys in any case."""
    for form in EVERY_FORM:
        assert all(isinstance(one, Value) and one.attribute is None for one in form().fields.values())
        assert {name for names in form()._hooks.values() for name, *_ in names} <= {"fold_keys"}


@given(some.sampled_from(FORMS), some.data())
def test_any_body_is_loaded_or_refused(form: type[Form], data: some.DataObject) -> None:
    """There is one error for all of it."""
    body = data.draw(some.dictionaries(some.sampled_from([*sorted(form().fields), "x"]), trees))
    try:
        loaded = form().load(body)
    except ValidationError as error:
        loaded = dict.fromkeys(form().fields) if re.split(r"[.\[]", first_fault(error)[0])[0] in body else {}
    assert set(loaded) == set(form().fields)
