"""A trace as a value, read from what `GET /v1/activeflows/<id>/trace` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import MAIN, NIL, Id
from flowmanager.errors import InvalidRequest

Json = Mapping[str, Any]


class InvalidTrace(InvalidRequest):
    """The file is not a saved trace."""

    reason = "INVALID_TRACE"


@frozen(kw_only=True)
class Target:
    """Where an action may jump to. `label`: the value of a branch, `default`, `false`, or nothing."""

    label: str
    id: Id


@frozen(kw_only=True)
class PlannedAction:
    """An action of a frame, as its flow says it."""

    id: Id
    type: str
    option: Json
    next_id: Id = NIL
    targets: tuple[Target, ...] = ()


@frozen(kw_only=True)
class PlannedFrame:
    """A stack of actions. `parent`: stack and action that it returns to, None for the main one."""

    id: Id
    actions: tuple[PlannedAction, ...]
    parent: tuple[Id, Id] | None = None
    at: bool = False
    """It returns to the action itself, not behind it."""
    omitted: int = 0
    """Actions that are not shown."""


@frozen(kw_only=True)
class TracedStep:
    """A step that was left, or the one under way (then it has no result)."""

    seq: int
    stack_id: Id
    action_id: Id
    type: str
    option: Json
    result: str = ""
    cause: str = ""
    cause_kind: str = ""
    """`request`, `event`, `timer` or `chain`: what ended the step."""
    error: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    details: Json
    """`variables`, `condition`, `target`, `pushed`, `skipped`, `asked`, `attempts`, `wait`, `heard`, where known."""


@frozen(kw_only=True)
class Trace:
    """What happened to an activeflow so far, and why it stands where it stands."""

    id: Id
    customer_id: Id
    flow_id: Id
    flow_name: str
    reference_type: str
    reference_id: Id
    parent_id: Id
    """The activeflow that it follows, or inherited from."""
    state: str
    ended: bool
    why: str
    ended_reason: str | None
    error: Json | None
    executed_count: int
    execute_count: int
    """How often it was resumed."""
    now: datetime | None
    """When the trace was made."""
    created: datetime | None
    finished: datetime | None
    current: TracedStep | None
    frames: tuple[PlannedFrame, ...]
    steps: tuple[TracedStep, ...]
    since: int
    """Number of the first step in `steps`."""
    next_since: int | None
    """Number of the first step that is not in `steps`, None: there are no later ones."""
    wire: Json = field(repr=False, compare=False)
    """The answer as it came."""

    def with_later(self, other: Trace) -> Trace:
        """Return this trace with the later steps of another one."""
        wire = {**other.wire, "steps": [*self.wire["steps"], *other.wire["steps"]], "since": self.since}
        return replace(other, steps=self.steps + other.steps, since=self.since, wire=wire)


FIELDS = ("seq", "stack_id", "action_id", "type", "option", "result", "cause", "cause_kind", "error")
KNOWN_OF_STEP = frozenset({*FIELDS, "tm_execute", "tm_end"})


def read_trace(wire: Any) -> Trace:
    """Return the trace of an answer. Raises TypeError, ValueError, KeyError for what is none."""
    if not isinstance(wire, Mapping):
        raise TypeError("not a trace: not an object")
    return Trace(
        id=wire["id"],
        customer_id=wire["customer_id"],
        flow_id=wire["flow_id"],
        flow_name=wire["flow_name"],
        reference_type=wire["reference_type"],
        reference_id=wire["reference_id"],
        parent_id=wire["reference_activeflow_id"],
        state=wire["state"],
        ended=wire["status"] == "ended",
        why=wire["why"],
        ended_reason=wire["ended_reason"],
        error=wire["error"],
        executed_count=wire["executed_count"],
        execute_count=wire["execute_count"],
        now=time_of(wire["now"]),
        created=time_of(wire["tm_create"]),
        finished=time_of(wire["tm_end"]),
        current=read_step(wire["current"]) if wire["current"] else None,
        frames=tuple(read_frame(one) for one in wire["frames"]),
        steps=tuple(read_step(one) for one in wire["steps"]),
        since=wire["since"],
        next_since=wire["next_since"],
        wire=wire,
    )


def read_step(wire: Json) -> TracedStep:
    """Return one step."""
    return TracedStep(
        seq=wire["seq"],
        stack_id=wire["stack_id"],
        action_id=wire["action_id"],
        type=wire["type"],
        option=wire["option"],
        result=wire.get("result", ""),
        cause=wire.get("cause", ""),
        cause_kind=wire.get("cause_kind", ""),
        error=wire.get("error", ""),
        began=time_of(wire.get("tm_execute")),
        ended=time_of(wire.get("tm_end")),
        details={key: value for key, value in wire.items() if key not in KNOWN_OF_STEP},
    )


def read_frame(wire: Json) -> PlannedFrame:
    """Return one frame."""
    parent = (wire["parent_stack_id"], wire["parent_action_id"])
    return PlannedFrame(
        id=wire["id"],
        actions=tuple(read_action(one) for one in wire["actions"]),
        parent=parent if parent[0] != NIL and wire["id"] != MAIN else None,
        at=wire["at"],
        omitted=wire["omitted"],
    )


def read_action(wire: Json) -> PlannedAction:
    """Return one action of a frame."""
    return PlannedAction(
        id=wire["id"],
        type=wire["type"],
        option=wire["option"],
        next_id=wire["next_id"],
        targets=tuple(Target(label=one["label"], id=one["id"]) for one in wire["targets"]),
    )


def time_of(text: str | None) -> datetime | None:
    """Return a time of the wire."""
    return datetime.fromisoformat(text) if text else None
