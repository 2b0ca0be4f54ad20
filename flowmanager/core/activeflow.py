"""A running flow as a value: cursor, frames, variables, wait and counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from flowmanager.core.action import START_ACTION, Action
from flowmanager.core.evolving import Evolving
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import MAIN, NIL, START, Id
from flowmanager.core.signals import Signal
from flowmanager.core.stacks import Place, StackMap

Stamp = tuple[datetime | None, datetime | None]
"""When a record was made, and when it was changed last."""
EMPTY: Mapping[str, str] = MappingProxyType({})
BEGINNING = Place(MAIN, START)


class State(StrEnum):
    """The fine-grained state; on the wire `error` and `ended` are the status `ended`, all others `running`."""

    CREATED = "created"
    EXECUTING = "executing"
    WAITING = "waiting"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    ERROR = "error"
    ENDED = "ended"

    @property
    def over(self) -> bool:
        """Say whether nothing can happen any more."""
        return self in OVER


OVER = (State.ERROR, State.ENDED)
"""Made once: to look up a member of an enum takes Python 3.11 ten times as long as a name of the module."""


class Driver(StrEnum):
    """Who ends a wait."""

    PULL = "pull"
    """The caller, by its next `next`."""
    PUSH = "push"
    """An event about the action that was sent out."""
    TIMER = "timer"
    """The clock."""


class EndedReason(StrEnum):
    """Why an activeflow ended."""

    FINISHED = "finished"
    STOP_ACTION = "stop_action"
    STOP_REQUEST = "stop_request"
    REFERENCE_ENDED = "reference_ended"
    ERROR = "error"
    LIMIT_ITERATIONS = "limit_iterations"
    LIMIT_EXECUTIONS = "limit_executions"
    DROPPED = "dropped"
    DELETED = "deleted"
    CUSTOMER_DELETED = "customer_deleted"


class StepResult(StrEnum):
    """How an action ended, in the history."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"


class ReferenceType(StrEnum):
    """What an activeflow belongs to; only a call carries media."""

    NONE = ""
    AI = "ai"
    API = "api"
    CALL = "call"
    CAMPAIGN = "campaign"
    CONVERSATION = "conversation"
    MESSAGE = "message"
    RECORDING = "recording"
    TRANSCRIBE = "transcribe"
    WEBCHAT = "webchat"


@frozen
class Wait:
    """What an activeflow waits for. `until` is the latest moment (UTC), None: without end."""

    driver: Driver
    until: datetime | None = None


@frozen
class Suspension:
    """What a suspended activeflow was about. EXECUTING: it goes on with its next action."""

    state: State
    driver: Driver | None = None
    """Whose end it waited for."""
    remaining: timedelta | None = None
    """What was left of the wait; None: it had no end."""


@frozen
class Turn:
    """The turn that is under way while an executor talks to other managers: what a worker needs to take it over."""

    driver: Driver
    """PULL: a caller waits for the next action; PUSH: media actions are sent out."""
    key: str = ""
    """Identity of the message that began it: the same message, delivered again, takes the turn over."""
    cause: str = ""
    """Name of the command or event that began it, for the history."""
    iterations: int = 0
    """Actions executed in it so far."""
    answers: tuple[Any, ...] = ()
    """What other managers answered in the step under way: a repeat of the step does not ask them again."""

    def entered(self) -> Turn:
        """Return the turn with one more action."""
        return Turn(self.driver, self.key, self.cause, self.iterations + 1)


@frozen
class Fault:
    """What ended an activeflow by error."""

    action_id: Id
    type: str
    message: str


@frozen
class Step:
    """One line of the history: an action that was left, how, why, and when it began and ended (UTC)."""

    seq: int
    action: Action
    result: StepResult
    cause: str
    error: str = ""
    tm_execute: datetime | None = None
    tm_end: datetime | None = None
    details: Mapping[str, Any] | None = None
    """What else is worth telling of it, for traces only: see `core/details.py`."""


@frozen(slots=False, kw_only=True)
class Activeflow(Evolving):
    """The whole record. Every change makes a new one."""

    id: Id
    customer_id: Id = NIL
    flow_id: Id = NIL
    reference_type: ReferenceType = ReferenceType.NONE
    reference_id: Id = NIL
    reference_activeflow_id: Id = NIL
    on_complete_flow_id: Id = NIL
    on_drop_flow_id: Id = NIL
    """Started instead of the on-complete flow when the activeflow is dropped from its stack."""
    webhook_uri: str = ""
    webhook_method: str = ""
    after_reference: bool = False
    """Started by on-complete: the reference may be over, media actions are not possible."""

    state: State = State.CREATED
    stacks: StackMap
    cursor: Place = BEGINNING
    """Where the next action is searched from: an existing place."""
    current_action: Action = START_ACTION
    """What was executed or handed out last, with its substituted option."""
    forward: Place | None = None
    """A pending jump: the next action, whatever follows the cursor."""
    variables: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    wait: Wait | None = None
    covered: bool = False
    """A newer activeflow of the same reference is on top of it."""
    suspension: Suspension | None = None
    turn: Turn | None = None
    early_signals: tuple[Signal, ...] = ()
    """Events that came while an executor was running."""
    details: Mapping[str, Any] | None = None
    """What is noted of the step under way, for traces only: see `core/details.py`."""

    fence: int = 0
    """Raised whenever somebody takes the record over; a result with an older fence is dropped."""
    owner: Id | None = None
    """The worker process that executes it."""
    execute_count: int = 0
    """How often it was resumed."""
    executed_count: int = 0
    """Length of the history."""
    reported_count: int = 0
    """Length of the history that events have told."""
    complete_count: int = 0
    """Depth in the on-complete chain: 0 for the original."""

    ended_reason: EndedReason | None = None
    fault: Fault | None = None
    on_complete_blocked: bool = False
    tm_execute: datetime | None = None
    """When the current action began."""
    tm_create: datetime | None = None
    tm_update: datetime | None = None
    tm_end: datetime | None = None
    tm_delete: datetime | None = None

    @property
    def stamp(self) -> Stamp:
        """Return its times as a record."""
        return self.tm_create, self.tm_update

    @property
    def over(self) -> bool:
        """Say whether it has ended."""
        return self.state.over

    @property
    def stack_depth(self) -> int:
        """Return how deep the cursor is nested: 0 in the main stack."""
        return self.stacks.depth(self.cursor.stack_id)
