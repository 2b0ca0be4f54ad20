"""Records as the JSON of the wire."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.action import BLOCK_ANSWER, FINISH_ACTION, START_ACTION, Action
from flowmanager.core.activeflow import Activeflow, EndedReason, Fault, ReferenceType, State, Step, StepResult
from flowmanager.core.flow import Flow
from flowmanager.core.ids import FINISH, MAIN, NIL, START
from flowmanager.core.machine import push
from flowmanager.core.stacks import StackMap
from flowmanager.schemas.wire import (
    action_wire,
    activeflow_wire,
    detail_wire,
    event_wire,
    flow_wire,
    stack_map_wire,
    stacks_wire,
    status_of,
    step_wire,
    time_text,
    variables_wire,
    webhook_wire,
    without_empty,
)
from tests.unit.core.builders import FLOW, LATER, LIMITS, NOW, actions, activeflow, known, place, stack_map

TALK = Action(known("t"), "talk", {"text": "hello"}, known("n"))
STEP = Step(3, TALK, StepResult.DONE, "next", "", NOW, LATER)


@pytest.mark.parametrize(
    ("microsecond", "expected"),
    [
        (0, "2026-05-04T09:30:00Z"),
        (500_000, "2026-05-04T09:30:00.5Z"),
        (120_000, "2026-05-04T09:30:00.12Z"),
        (7_000, "2026-05-04T09:30:00.007Z"),
        (123_400, "2026-05-04T09:30:00.1234Z"),
        (12_340, "2026-05-04T09:30:00.01234Z"),
        (1, "2026-05-04T09:30:00.000001Z"),
    ],
)
def test_a_time(microsecond: int, expected: str) -> None:
    """RFC 3339 in UTC, zeros at the end of the fraction trimmed."""
    assert time_text(NOW.replace(microsecond=microsecond)) == expected


def test_a_time_of_another_zone() -> None:
    """It is shown in UTC; no time is null."""
    assert time_text(datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T22:30:00Z"
    assert time_text(None) is None


@given(some.datetimes(min_value=datetime(1970, 1, 1), timezones=some.just(UTC)))
def test_a_time_can_be_read_back(moment: datetime) -> None:
    """Nothing is lost."""
    text = time_text(moment)
    assert text is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z", text)
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    assert datetime.fromisoformat(f"{seconds}.{fraction:0<6}+00:00") == moment


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (TALK, {"id": TALK.id, "next_id": known("n"), "type": "talk", "option": {"text": "hello"}, "tm_execute": None}),
        (Action(known("a"), "stop"), {"id": known("a"), "next_id": NIL, "type": "stop", "tm_execute": None}),
        (Action(known("a"), "stop", {}), {"id": known("a"), "next_id": NIL, "type": "stop", "tm_execute": None}),
        (START_ACTION, {"id": START, "next_id": NIL, "tm_execute": None}),
        (FINISH_ACTION, {"id": FINISH, "next_id": NIL, "tm_execute": None}),
        (BLOCK_ANSWER, {"id": NIL, "next_id": NIL, "tm_execute": None}),
    ],
    ids=["full", "no option", "empty option", "start", "finish", "block"],
)
def test_an_action(action: Action, expected: dict[str, Any]) -> None:
    """Type and option are left out when they are empty."""
    assert action_wire(action) == expected


def test_a_line_of_the_history() -> None:
    """The action, when it began and ended, how and why; the error only where there is one."""
    shown = step_wire(STEP)
    assert shown == {
        **action_wire(TALK),
        "tm_execute": "2026-05-04T09:30:00Z",
        "tm_end": "2026-05-04T09:30:30Z",
        "result": "done",
        "cause": "next",
    }
    assert step_wire(Step(0, TALK, StepResult.FAILED, "next", "no"))["error"] == "no"


FULL_FLOW = Flow(
    id=known("f"), type="flow", name="n", detail="d", persist=True, actions=(TALK,), direct_hash="h", tm_create=NOW
)
FLOW_ALWAYS = "id customer_id direct_id on_complete_flow_id tm_create tm_update tm_delete"
FLOW_OMITTED = "type name detail persist actions direct_hash"

ALWAYS = (
    "id customer_id flow_id status reference_id reference_activeflow_id on_complete_flow_id current_stack_id "
    "current_action forward_stack_id forward_action_id stack_map tm_create tm_update tm_delete"
)
OMITTED = "reference_type webhook_uri webhook_method execute_count executed_actions"
OURS = "state executed_count stack_depth ended_reason error tm_end"
BARE = Activeflow(id=FLOW, stacks=StackMap.of(()))
RICH = activeflow(
    "a b",
    "main.a",
    reference_type=ReferenceType.CALL,
    webhook_uri="https://example.com",
    webhook_method="POST",
    execute_count=2,
    on_complete_blocked=True,
    variables={"k": "v"},
    tm_create=NOW,
)


def keys(words: str) -> set[str]:
    """Return the keys that are written as words."""
    return set(words.split())


def test_an_empty_flow() -> None:
    """Ids and times are always there, texts only when they say something."""
    shown = flow_wire(Flow(id=known("f")))
    assert keys(FLOW_ALWAYS) <= shown.keys()
    assert not keys(FLOW_OMITTED) & shown.keys()
    assert (shown["customer_id"], shown["tm_create"]) == (NIL, None)


def test_a_full_flow() -> None:
    """Everything is there."""
    shown = flow_wire(FULL_FLOW)
    assert keys(FLOW_ALWAYS) | keys(FLOW_OMITTED) <= shown.keys()
    assert (shown["persist"], shown["actions"], shown["tm_create"]) == (True, [action_wire(TALK)], time_text(NOW))


def test_an_activeflow_that_has_not_begun() -> None:
    """It stands on the start of the main frame; what is empty is left out."""
    shown = activeflow_wire(BARE, ())
    assert keys(ALWAYS) | keys(OURS) <= shown.keys()
    assert not keys(OMITTED) & shown.keys()
    assert (shown["current_stack_id"], shown["current_action"]["id"]) == (MAIN, START)
    assert (shown["forward_stack_id"], shown["forward_action_id"], shown["ended_reason"]) == (NIL, NIL, None)
    assert shown["stack_map"][MAIN]["actions"] is None


def test_an_activeflow_under_way() -> None:
    """Everything is there; its variables only where it is shown alone."""
    shown = activeflow_wire(RICH, (STEP,))
    assert keys(ALWAYS) | keys(OMITTED) | keys(OURS) | {"on_complete_blocked"} <= shown.keys()
    assert shown["executed_actions"] == [step_wire(STEP)]
    assert "variables" not in shown
    assert detail_wire(RICH, ())["variables"] == {"k": "v"}
    assert variables_wire(RICH) == {"id": FLOW, "variables": {"k": "v"}}


@pytest.mark.parametrize("state", State)
def test_status_and_state(state: State) -> None:
    """The status is coarse: running or ended."""
    assert status_of(state) == ("ended" if state in ("ended", "error") else "running")
    shown = event_wire(RICH.evolve(state=state), ())
    assert (shown["status"], shown["state"]) == (status_of(state), state.value)


def test_why_it_ended() -> None:
    """Reason and error, with the action that failed."""
    failed = RICH.evolve(ended_reason=EndedReason.ERROR, fault=Fault(known("a"), "talk", "no"))
    shown = event_wire(failed, ())
    assert shown["ended_reason"] == "error"
    assert shown["error"] == {"action_id": known("a"), "type": "talk", "message": "no"}


def test_an_event_has_no_frames() -> None:
    """But the steps since the previous one, also when there are none."""
    shown = event_wire(RICH, ())
    assert "stack_map" not in shown
    assert (shown["executed_actions"], shown["executed_count"]) == ([], 0)


def test_the_webhook_form() -> None:
    """What a customer needs to know."""
    shown = webhook_wire(event_wire(RICH, (STEP,)))
    inside = keys(ALWAYS) | keys(OMITTED)
    inside -= keys("stack_map current_stack_id forward_stack_id execute_count")
    assert inside <= shown.keys()
    assert not keys("stack_map current_stack_id forward_stack_id execute_count variables stack_depth") & shown.keys()


NESTED = stack_map("a b c", S="main.b: x y", T="S.x: z w")


def test_the_stack_map() -> None:
    """Every frame with its actions, its return point and where it stands; a frame aside stands nowhere."""
    shown = stack_map_wire(activeflow(NESTED, "S.y"))
    assert shown[MAIN] == {
        "id": MAIN,
        "actions": [action_wire(action) for action in actions("a b c")],
        "return_stack_id": NIL,
        "return_action_id": NIL,
        "current_index": 1,
    }
    inner = shown[known("S")]
    assert (inner["return_stack_id"], inner["return_action_id"], inner["current_index"]) == (MAIN, known("b"), 1)
    assert shown[known("T")]["current_index"] is None


def test_gotos_that_jumped_are_shown() -> None:
    """By action."""
    flow = activeflow("a b", "main.a")
    shown = stack_map_wire(flow.evolve(stacks=flow.stacks.count_goto(place("main.b"))))
    assert shown[MAIN]["goto_counts"] == {known("b"): 1}


def lines(flow: Activeflow) -> list[tuple[Any, ...]]:
    """Return what tells the frames of a list apart."""
    names = ("frame_id", "parent_frame_id", "stack_depth", "current_index", "current", "main", "forward_action_id")
    return [tuple(line[name] for name in names) for line in stacks_wire(flow)]


INDEXES: list[tuple[str, Activeflow, list[tuple[Any, ...]]]] = [
    ("not begun", activeflow("a"), [(MAIN, None, 0, -1, True, True, NIL)]),
    (
        "nested",
        activeflow(NESTED, "T.z"),
        [
            (MAIN, None, 0, 1, False, True, NIL),
            (known("S"), MAIN, 1, 0, False, False, NIL),
            (known("T"), known("S"), 2, 0, True, False, NIL),
        ],
    ),
    (
        "pushed",
        push(activeflow("a b", "main.a"), known("P"), actions("x"), limits=LIMITS),
        [(MAIN, None, 0, 0, True, True, NIL), (known("P"), MAIN, 1, -1, False, False, known("x"))],
    ),
    (
        "a jump out of the frame is pending",
        activeflow(NESTED, "S.x", forward=place("main.c")),
        [(MAIN, None, 0, 1, False, True, known("c")), (known("S"), MAIN, 1, 0, True, False, NIL)],
    ),
    (
        "pushed after a jump out of the frame",
        push(activeflow(NESTED, "S.x", forward=place("main.c")), known("P"), actions("y"), limits=LIMITS),
        [
            (MAIN, None, 0, 1, False, True, NIL),
            (known("S"), MAIN, 1, 0, True, False, NIL),
            (known("P"), MAIN, 1, -1, False, False, known("y")),
        ],
    ),
]


@pytest.mark.parametrize(("flow", "expected"), [case[1:] for case in INDEXES], ids=[case[0] for case in INDEXES])
def test_the_list_of_frames(flow: Activeflow, expected: list[tuple[Any, ...]]) -> None:
    """From the main frame inward, with position, pending jump and the frame where the cursor stands."""
    assert lines(flow) == expected
    for line in stacks_wire(flow):
        current = line["actions"][line["current_index"]] if line["current_index"] >= 0 else None
        assert line["current_action"] == current


def test_only_named_keys_are_left_out() -> None:
    """And only when they are empty."""
    record = {"a": "", "b": "", "c": 0, "d": "x", "e": None}
    assert without_empty(record, "a", "c", "d") == {"b": "", "d": "x", "e": None}


@given(some.sampled_from(State), some.sampled_from(EndedReason), some.dictionaries(some.text(), some.text()))
def test_every_record_is_json(state: State, reason: EndedReason, variables: dict[str, str]) -> None:
    """No value of ours is left in it."""
    flow = RICH.evolve(state=state, ended_reason=reason, variables=variables)
    shown = detail_wire(flow, (STEP,))
    assert orjson.loads(orjson.dumps(shown)) == shown
