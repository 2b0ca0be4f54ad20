"""What the client returns: frozen records, read from the wire. Keys that are not known here are ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Self, get_type_hints

from flowmanager.core.ids import FINISH, NIL, Id


@dataclass(frozen=True, slots=True)
class Reads:
    """Marks a field whose value on the wire is converted."""

    convert: Callable[[Any], Any]


Time = Annotated[datetime | None, Reads(datetime.fromisoformat)]
"""A time in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something that is read from the wire."""

    @classmethod
    def read(cls, wire: Any) -> Self:
        """Return the record. Raises TypeError or ValueError for what cannot be one."""
        if not isinstance(wire, Mapping):
            raise TypeError(f"not an object: {wire!r:.100}")
        kind: Any = cls  # to mypy, a type of Self cannot be hashed
        known = converters(kind)
        return cls(**{key: known[key](value) for key, value in wire.items() if key in known and value is not None})

    @classmethod
    def read_all(cls, wires: Any) -> tuple[Self, ...]:
        """Return the records of a list. Raises TypeError or ValueError."""
        if not isinstance(wires, list):
            raise TypeError(f"not a list: {wires!r:.100}")
        return tuple(cls.read(wire) for wire in wires)

    @classmethod
    def read_named(cls, wires: Any) -> dict[str, Self]:
        """Return the records of an object by name. Raises TypeError or ValueError."""
        return {name: cls.read(wire) for name, wire in wires.items()}


@cache
def converters(kind: type[Record]) -> dict[str, Callable[[Any], Any]]:
    """Return for each field of a record how its value is read."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: converter(hint) for name, hint in hints.items()}


def converter(hint: Any) -> Callable[[Any], Any]:
    """Return how a value of that type is read."""
    marks = (mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Reads))
    return next((mark.convert for mark in marks), same)


def same(value: Any) -> Any:
    """Return a value as it is on the wire."""
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Record):
    """An action, in both directions. `id` in a new flow: empty to have one made, or a name to be a target by."""

    id: str = NIL
    type: str = ""
    option: Mapping[str, Any] = field(default_factory=dict)
    next_id: str = NIL
    tm_execute: Time = None

    @property
    def finished(self) -> bool:
        """Whether `next` says by it that the flow has ended."""
        return self.id == FINISH

    @property
    def blocked(self) -> bool:
        """Whether `next` says by it that the flow stands on a `block`."""
        return self.id == NIL

    def wire(self) -> dict[str, Any]:
        """Return it as a request shows it."""
        return {"id": self.id or NIL, "next_id": self.next_id or NIL, "type": self.type, "option": dict(self.option)}


Actions = Annotated[tuple[Action, ...], Reads(Action.read_all)]
NO_ACTION = Action()

GivenAction = Action | Mapping[str, Any]
"""What stands for an action in a request."""


def action_wires(actions: Iterable[GivenAction]) -> list[Mapping[str, Any]]:
    """Return actions as a request shows them."""
    return [action.wire() if isinstance(action, Action) else action for action in actions]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Action):
    """A line of the history: an action and how it went. `result`: `done`, `skipped`, `failed`, …"""

    tm_end: Time = None
    result: str = ""
    cause: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """What is wrong with a flow. `severity`: `error`, `warning` or `note`; `path`: where in the request."""

    rule: str = ""
    severity: str = ""
    path: str = ""
    reason: str = ""
    fix: str = ""


Findings = Annotated[tuple[Finding, ...], Reads(Finding.read_all)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation(Record):
    """What `flows.validate` says. `valid`: the flow would be stored."""

    valid: bool = False
    findings: Findings = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(Record):
    """A stored flow. `persist` false: a temporary one, gone after a day.

    `warnings`: in the answers to create and change.
    """

    id: Id
    customer_id: Id = NIL
    type: str = ""
    name: str = ""
    detail: str = ""
    persist: bool = False
    actions: Actions = ()
    direct_id: Id = NIL
    direct_hash: str = ""
    on_complete_flow_id: Id = NIL
    on_drop_flow_id: Id = NIL
    warnings: Findings = ()
    tm_create: Time = None
    tm_update: Time = None
    tm_delete: Time = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Record):
    """The error that ended an activeflow."""

    action_id: Id = NIL
    type: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFrame(Record):
    """A frame of an activeflow's stack map. `current_index` None: not on the way to the current action."""

    id: Id = NIL
    actions: Actions = ()
    return_stack_id: Id = NIL
    return_action_id: Id = NIL
    current_index: int | None = None
    goto_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Record):
    """A frame as `activeflows.stacks` lists them, from the main one inwards."""

    frame_id: Id = NIL
    parent_frame_id: Id | None = None
    stack_depth: int = 0
    current_index: int = -1
    current_action: Annotated[Action | None, Reads(Action.read)] = None
    current: bool = False
    main: bool = False
    return_stack_id: Id = NIL
    return_action_id: Id = NIL
    forward_action_id: Id = NIL
    actions: Actions = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activeflow(Record):
    """A running instance of a flow.

    `stack_map` is empty in events, `variables` everywhere but in `activeflows.get`. `executed_actions` are all steps;
    in events those since the previous event.
    """

    id: Id
    customer_id: Id = NIL
    flow_id: Id = NIL
    status: str = ""
    state: str = ""
    reference_type: str = ""
    reference_id: Id = NIL
    reference_activeflow_id: Id = NIL
    on_complete_flow_id: Id = NIL
    on_drop_flow_id: Id = NIL
    webhook_uri: str = ""
    webhook_method: str = ""
    current_stack_id: Id = NIL
    current_action: Annotated[Action, Reads(Action.read)] = NO_ACTION
    forward_stack_id: Id = NIL
    forward_action_id: Id = NIL
    executed_actions: Annotated[tuple[Step, ...], Reads(Step.read_all)] = ()
    stack_map: Annotated[Mapping[Id, StackFrame], Reads(StackFrame.read_named)] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    variables_rejected: str = ""
    """Why the variables given at the creation were left out."""
    execute_count: int = 0
    executed_count: int = 0
    stack_depth: int = 0
    ended_reason: str | None = None
    error: Annotated[Fault | None, Reads(Fault.read)] = None
    on_complete_blocked: bool = False
    tm_create: Time = None
    tm_update: Time = None
    tm_end: Time = None
    tm_delete: Time = None

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.status == "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(Record):
    """Where an activeflow stands, for lists. `why`: what it waits for, or why it ended."""

    id: Id
    customer_id: Id = NIL
    flow_id: Id = NIL
    reference_type: str = ""
    reference_id: Id = NIL
    status: str = ""
    state: str = ""
    wait: Mapping[str, Any] = field(default_factory=dict)
    """`for`: `pull`, `push` or `timer`; `until`: the latest moment, as on the wire. Empty: it does not wait."""
    why: str = ""
    ended_reason: str = ""
    action_id: Id = NIL
    action_type: str = ""
    stack_depth: int = 0
    executed_count: int = 0
    now: Time = None
    """When the list was made."""
    tm_action: Time = None
    """When the current action began."""
    tm_create: Time = None
    tm_update: Time = None
    tm_end: Time = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedActiveflow(Record):
    """An activeflow on the stack of its reference. Position 0 is the top, the one that is active."""

    id: Id
    position: int = 0
    active: bool = False
    customer_id: Id = NIL
    flow_id: Id = NIL
    state: str = ""
    stack_depth: int = 0
    current_action_id: Id = NIL
    current_action_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables(Record):
    """The variables of an activeflow, whose `id` it has."""

    id: Id
    variables: Mapping[str, str] = field(default_factory=dict)
