"""Samples of what answers and events hold, as the wire functions write them; see `sampled.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.activeflow import (
    Activeflow,
    Driver,
    EndedReason,
    Fault,
    ReferenceType,
    State,
    Step,
    StepResult,
    Wait,
)
from flowmanager.core.flow import Flow
from flowmanager.core.ids import MAIN, NIL
from flowmanager.core.stacks import Frame, Place, Return, StackMap
from flowmanager.schemas.overview_wire import overview_wire
from flowmanager.schemas.wire import (
    action_wire,
    activeflow_wire,
    detail_wire,
    event_wire,
    flow_wire,
    stacks_wire,
    variables_wire,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"


def plain_flow() -> Flow:
    """A flow with nothing that can be left out."""
    return Flow(id=ONE)


def full_flow() -> Flow:
    """A flow with something everywhere."""
    return Flow(
        id=ONE,
        type="flow",
        name="Front desk",
        detail="Asks who is wanted.",
        persist=True,
        actions=ACTIONS,
        direct_hash="0a1b2c",
        tm_create=NOON,
        tm_update=NOON,
        tm_delete=NOON,
    )


ACTIONS = (Action(ONE, "talk", {"text": "Hello"}, TWO), Action(TWO, "", None, NIL))
STEPS = (
    Step(0, ACTIONS[0], StepResult.DONE, "execute", "", NOON, NOON),
    Step(1, ACTIONS[1], StepResult.FAILED, "execute", "It went wrong.", None, None),
)


def plain_activeflow() -> Activeflow:
    """An activeflow with nothing that can be left out."""
    return Activeflow(id=ONE, stacks=StackMap.of(ACTIONS))


def full_activeflow() -> Activeflow:
    """An activeflow with something everywhere."""
    back = Return(Place(MAIN, ONE))
    frames = (Frame(MAIN, ACTIONS), Frame(ONE, ACTIONS, back, {ONE: 1}), Frame(TWO, (), back))
    return Activeflow(
        id=ONE,
        reference_type=ReferenceType.CALL,
        webhook_uri="https://example.com/hook",
        webhook_method="POST",
        stacks=StackMap({frame.id: frame for frame in frames}),
        cursor=Place(ONE, ONE),
        current_action=ACTIONS[0],
        forward=Place(ONE, TWO),
        variables={"name": "value"},
        state=State.ERROR,
        execute_count=1,
        executed_count=2,
        ended_reason=EndedReason.ERROR,
        fault=Fault(ONE, "talk", "It went wrong."),
        on_complete_blocked=True,
        tm_create=NOON,
        tm_update=NOON,
        tm_end=NOON,
        tm_delete=NOON,
    )


FLOWS = (plain_flow(), full_flow())
ACTIVEFLOWS = ((plain_activeflow(), ()), (full_activeflow(), STEPS))

WAITING = full_activeflow().evolve(
    state=State.WAITING, wait=Wait(Driver.PUSH, NOON), ended_reason=None, fault=None, tm_execute=NOON, tm_end=None
)
PULLED = WAITING.evolve(wait=Wait(Driver.PULL))

STACKED = {
    "position": 0,
    "active": True,
    "id": ONE,
    "customer_id": NIL,
    "flow_id": NIL,
    "state": "waiting",
    "stack_depth": 0,
    "current_action_id": ONE,
    "current_action_type": "talk",
}
ACTION_TYPE = {
    "type": "talk",
    "title": "Talk",
    "description": "Say a text on the call.",
    "media": True,
    "runs_on": "rtc",
    "handled_by": "caller or call-manager",
    "ends_flow_on_error": False,
    "option": {"type": "object"},
    "examples": [{"type": "talk", "option": {"text": "Hello."}}],
}

FINDING = {
    "rule": "branch-default",
    "severity": "warning",
    "path": "actions[2].option",
    "reason": "A value that is not listed ends the flow.",
    "fix": "Give a default_target_id.",
}

RECORDS: Mapping[str, Sequence[Any]] = {
    "action": [action_wire(one) for one in ACTIONS],
    "flow": [flow_wire(one) for one in FLOWS],
    "stored_flow": [flow_wire(FLOWS[0]), {**flow_wire(FLOWS[1]), "warnings": [FINDING]}],
    "judgement": [{"valid": True, "findings": [FINDING]}],
    "activeflow": [activeflow_wire(one, steps) for one, steps in ACTIVEFLOWS],
    "activeflow_detail": [detail_wire(one, steps) for one, steps in ACTIVEFLOWS],
    "activeflow_event": [event_wire(one, steps) for one, steps in ACTIVEFLOWS],
    "frames": [stacks_wire(one) for one, _ in ACTIVEFLOWS],
    "variables": [variables_wire(one) for one, _ in ACTIVEFLOWS],
    "count": [{"count": 3}],
    "text": [{"data": "Hello."}],
    "flow_stack": [{"reference_type": "call", "reference_id": ONE, "activeflows": [STACKED]}],
    "action_type": [ACTION_TYPE],
    "overview": [overview_wire(one, NOON) for one in (ACTIVEFLOWS[0][0], WAITING, PULLED, ACTIVEFLOWS[1][0])],
}
"""Samples of what answers and events hold, by the name of their schema."""
