"""Actions that decide alone: jumps, conditions, variables, pauses and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Driver
from flowmanager.core.flow import Flow
from flowmanager.core.ids import MAIN, NIL
from flowmanager.core.outcomes import Block, Continue, Finish, Hold, Jump, Push
from flowmanager.core.stacks import Frame, StackMap
from flowmanager.core.variables import DIGITS
from flowmanager.errors import FlowNotFound, InvalidRequest, TargetNotFound
from flowmanager.executors.block import block
from flowmanager.executors.branch import branch
from flowmanager.executors.condition_datetime import condition_datetime
from flowmanager.executors.condition_variable import condition_variable
from flowmanager.executors.empty import empty
from flowmanager.executors.fetch_flow import fetch_flow
from flowmanager.executors.goto import goto
from flowmanager.executors.sleep import sleep
from flowmanager.executors.stop import stop
from flowmanager.executors.variable_set import variable_set
from tests.fakes import FlowShelf
from tests.unit.executors.steps import ACTION, CUSTOMER, FIRST, SECOND, STEP, run, task_of

TRUE, FALSE = Continue(), Jump(FIRST)


def test_stop_block_and_empty() -> None:
    """They end, wait and do nothing."""
    assert run(stop) == Finish()
    assert run(block) == Block()
    assert run(empty) == Continue()


@pytest.mark.parametrize(
    ("option", "jumped", "expected"),
    [
        ({}, 99, Jump(FIRST, counted=True)),
        ({"loop_count": 2}, 1, Jump(FIRST, counted=True)),
        ({"loop_count": 2}, 2, Continue()),
        ({"loop_count": 0}, 0, Continue()),
        ({"loop_count": -1}, 0, Continue()),
    ],
)
def test_goto_jumps_as_often_as_told(option: dict[str, Any], jumped: int, expected: Continue | Jump) -> None:
    """Then it falls through; without a count it always jumps."""
    stacks = StackMap({MAIN: Frame(MAIN, (Action(ACTION, "goto"),), goto_counts={ACTION: jumped})})
    assert run(goto, {"target_id": FIRST, **option}, stacks=stacks) == expected


@pytest.mark.parametrize(
    ("option", "variables", "expected"),
    [
        ({}, {DIGITS: "1"}, Jump(FIRST, {DIGITS: ""})),
        ({}, {DIGITS: "2"}, Jump(SECOND, {DIGITS: ""})),
        ({}, {}, Jump(SECOND, {DIGITS: ""})),
        ({"variable": "lang"}, {"lang": "1", DIGITS: "9"}, Jump(FIRST, {"lang": ""})),
        ({"variable": "${name}"}, {"name": "lang", "lang": "1"}, Jump(FIRST, {"lang": ""})),
        ({"target_ids": {"": FIRST}}, {}, Jump(FIRST, {DIGITS: ""})),
        ({"target_ids": {"a": FIRST}}, {DIGITS: "A"}, Jump(SECOND, {DIGITS: ""})),
        ({"target_ids": {"1": "${x}"}}, {DIGITS: "1", "x": SECOND.upper()}, Jump(SECOND, {DIGITS: ""})),
    ],
)
def test_branch_jumps_by_the_value_and_empties_the_variable(
    option: dict[str, Any], variables: dict[str, str], expected: Jump
) -> None:
    """The value must match exactly, else the default target counts."""
    given = {"target_ids": {"1": FIRST}, "default_target_id": SECOND, **option}
    assert run(branch, given, variables=variables) == expected


def test_branch_without_any_target_fails() -> None:
    """The error tells variable and value."""
    with pytest.raises(TargetNotFound) as caught:
        run(branch, {"target_ids": {"1": FIRST}}, variables={DIGITS: "7"})
    assert caught.value.facts == {"variable": DIGITS, "value": "7"}


COMPARED = [
    ("string", "a", "==", "a", True),
    ("string", "a", "!=", "a", False),
    ("string", "b", ">", "a", True),
    ("string", "B", ">=", "a", False),
    ("string", "ä", "<", "z", False),
    ("string", "", "<=", "", True),
    ("string", "a", "=", "a", False),
    ("number", "5", "==", 5, True),
    ("number", "+5.0e0", "==", 5, True),
    ("number", ".5", "<", 1, True),
    ("number", "0.1", "==", 0.1, True),
    ("number", "16777217", "==", 16777216, True),
    ("number", "five", "!=", 5, False),
    ("number", "", "==", 0, False),
    ("number", " 5", "==", 5, False),
    ("number", "1_000", "==", 1000, True),
    ("number", "1__000", "!=", 1, False),
    ("number", "1e39", ">", 1, False),
    ("number", "1e400", ">", 1, False),
    ("number", "Inf", ">", 1, True),
    ("number", "nan", "==", 1, False),
    ("length", "äb", "==", 3, True),
    ("length", "", "<", 1, True),
    ("length", "abc", "is", 3, False),
    ("text", "a", "==", "a", False),
    ("", "a", "==", "a", False),
]


@pytest.mark.parametrize(("kind", "left", "sign", "right", "holds"), COMPARED)
def test_condition_variable_compares(kind: str, left: str, sign: str, right: Any, holds: bool) -> None:
    """A text by its bytes, a number as a 32-bit float, a length in bytes; anything else is false."""
    value = f"value_{kind}" if kind in ("number", "length") else "value_string"
    option = {"condition": sign, "variable": "${x}", "value_type": kind, value: right, "false_target_id": FIRST}
    assert run(condition_variable, option, variables={"x": left}) == (TRUE if holds else FALSE)


@pytest.mark.parametrize(
    ("variable", "variables", "holds"),
    [
        ("yes", {}, True),
        ("answer", {"answer": "yes"}, True),
        ("answer", {}, False),
        ("${answer}", {"answer": "yes"}, True),
        ("${answer}", {"answer": "other", "other": "yes"}, False),
        ("yes", {"yes": "no"}, False),
    ],
)
def test_condition_variable_takes_a_text_or_the_name_of_a_variable(
    variable: str, variables: dict[str, str], holds: bool
) -> None:
    """Only a text without placeholder can be a name; what a placeholder brought in is never one."""
    option = {"condition": "==", "variable": variable, "value_type": "string", "value_string": "yes"}
    expected = TRUE if holds else FALSE
    assert run(condition_variable, {**option, "false_target_id": FIRST}, variables=variables) == expected


TIMES = [
    ({"condition": ">=", "hour": 9, "minute": 30}, True),
    ({"condition": ">", "hour": 9, "minute": 30}, False),
    ({"condition": ">=", "hour": 8, "minute": 45}, True),
    ({"condition": "<", "hour": 10, "minute": 0}, True),
    ({"condition": "==", "hour": 9}, True),
    ({"condition": ">", "hour": 9}, False),
    ({"condition": "==", "minute": 30}, True),
    ({"condition": "==", "hour": 9, "minute": -1}, True),
    ({"condition": ">=", "hour": -1, "minute": -1}, True),
    ({"condition": ">=", "hour": 0, "minute": 0}, True),
    ({"condition": "==", "month": 5, "day": 4}, True),
    ({"condition": ">=", "month": 4, "day": 30}, True),
    ({"condition": "<=", "month": 4, "day": 30}, False),
    ({"condition": "==", "day": 4, "month": 0}, True),
    ({"condition": "!=", "month": 5, "day": -1}, False),
    ({"condition": ">=", "month": 6, "hour": 9}, False),
    ({"condition": "==", "weekdays": [1]}, True),
    ({"condition": "==", "weekdays": [0, 2, 3, 4, 5, 6]}, False),
    ({"condition": ">=", "weekdays": [1, 2], "hour": 10}, False),
    ({"condition": "after", "hour": 1}, False),
    ({}, True),
]


@pytest.mark.parametrize(("option", "holds"), TIMES)
def test_condition_datetime_compares_now_with_the_option(option: dict[str, Any], holds: bool) -> None:
    """It is Monday, 4 May, 09:30; hour and minute are one value, so are month and day."""
    assert run(condition_datetime, {**option, "false_target_id": FIRST}) == (TRUE if holds else FALSE)


def test_sunday_is_day_0() -> None:
    """As peers count."""
    sunday = datetime(2026, 5, 3, 12, tzinfo=UTC)
    task = task_of(condition_datetime, {"weekdays": [0], "false_target_id": FIRST}, now=sunday)
    assert condition_datetime.run is not None
    assert condition_datetime.run(task) == TRUE


def test_condition_datetime_counts_in_utc() -> None:
    """Wherever the clock's time zone is."""
    tokyo = datetime.fromisoformat("2026-05-04T18:30:00+09:00")
    task = task_of(condition_datetime, {"condition": "==", "hour": 9, "false_target_id": FIRST}, now=tokyo)
    assert condition_datetime.run is not None
    assert condition_datetime.run(task) == TRUE


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"key": "a", "value": "${b}"}, {"a": "${c}"}),
        ({"key": "", "value": "x"}, {"": "x"}),
        ({}, {"": ""}),
        ({"key": "voipbin.call.digits", "value": "1"}, {"voipbin.call.digits": "1"}),
    ],
)
def test_variable_set_stores_the_text_as_it_is(option: dict[str, str], expected: dict[str, str]) -> None:
    """It is substituted once."""
    assert run(variable_set, option, variables={"b": "${c}", "c": "no"}) == Continue(expected)


@pytest.mark.parametrize("key", ["voipbin.activeflow.id", " VOIPBIN.ActiveFlow.x"])
def test_variable_set_cannot_touch_the_activeflows_own_names(key: str) -> None:
    """The failure says so."""
    with pytest.raises(InvalidRequest, match=r"voipbin\.activeflow"):
        run(variable_set, {"key": key, "value": "x"})


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(5000, Hold(Driver.TIMER, timedelta(seconds=5))), (0, Continue()), (-1, Continue())],
)
def test_sleep_sets_a_timer(duration: int, expected: Hold | Continue) -> None:
    """Nothing to wait for: it goes on."""
    assert run(sleep, {"duration": duration}) == expected


def fetched(flow: Flow | None) -> Any:
    """Run a `fetch_flow` that finds this flow."""
    shelf = FlowShelf({FIRST: flow} if flow else {})
    assert fetch_flow.run is not None
    return fetch_flow.run(task_of(fetch_flow, {"flow_id": FIRST}), shelf)


def test_fetch_flow_pushes_the_flows_actions() -> None:
    """A deleted flow can still be fetched; an empty one pushes nothing."""
    actions = (Action(SECOND, "answer"),)
    deleted = Flow(id=FIRST, customer_id=CUSTOMER, actions=actions, tm_delete=datetime(2026, 1, 1, tzinfo=UTC))
    assert fetched(deleted) == Push(STEP, actions)
    assert fetched(Flow(id=FIRST, customer_id=CUSTOMER)) == Push(STEP, ())


@pytest.mark.parametrize("flow", [None, Flow(id=FIRST, customer_id=NIL)])
def test_fetch_flow_needs_a_flow_of_the_same_customer(flow: Flow | None) -> None:
    """Somebody else's flow is as good as none."""
    with pytest.raises(FlowNotFound):
        fetched(flow)
