"""The form of an action type: an executor is a value that one file under `executors/` defines.

How an executor runs is told by its function's signature: `(task)` decides alone, `(task, flows)` may read flows inside
the transaction, `(task, managers)` asks other managers outside any transaction. A caller action has no function:
whoever asked `next` carries it out, or call-manager when nobody asked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, ReferenceType
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.outcomes import Continue, Hold, Outcome
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.variables import DIGITS
from flowmanager.schemas.options import NoOption, Option


class Media(StrEnum):
    """Which activeflows can run an action."""

    ANY = "any"
    RTC = "rtc"
    """Only with a live call."""
    NON_RTC = "non_rtc"
    """Only without one."""


class OnError(StrEnum):
    """What a failure of the action does."""

    END_FLOW = "end_flow"
    CONTINUE = "continue"


class Kind(StrEnum):
    """Which half of a turn runs the executor."""

    PURE = "pure"
    READING = "reading"
    TALKING = "talking"
    CALLER = "caller"


class Completion(StrEnum):
    """When a caller action that was sent to call-manager is complete."""

    AT_ONCE = "at_once"
    """With the answer."""
    BY_EVENT = "by_event"
    """With an event."""


@frozen(kw_only=True)
class Task:
    """One action to execute: the activeflow as it is, the action with its substituted option, the option as checked."""

    activeflow: Activeflow
    action: Action
    option: Mapping[str, Any]
    now: datetime

    @property
    def key(self) -> Id:
        """Return the key of this step: the same again when the step is repeated, by whomever. Fit as a frame's id."""
        return step_key(self.activeflow)

    def id_for(self, name: str) -> Id:
        """Return an id for something that this step makes: the same again when the step is repeated."""
        return str(uuid5(NAMESPACE_OID, f"{self.key}:{name}"))


def step_key(activeflow: Activeflow) -> Id:
    """Return the key of the step under way."""
    return str(uuid5(NAMESPACE_OID, f"{activeflow.id}:{activeflow.executed_count}"))


Run = Callable[..., Outcome]
OnSignal = Callable[[Task, Signal], Outcome | None]


def done_by_signal(task: Task, signal: Signal) -> Outcome | None:
    """Complete the action when its completion is reported. A key press meanwhile replaces the digits so far."""
    del task
    if signal.kind is SignalKind.DIGIT:
        return Hold(Driver.PUSH, None, {DIGITS: signal.text})
    return Continue(signal.variables) if signal.kind is SignalKind.DONE else None


def no_limit(option: Mapping[str, Any]) -> timedelta | None:
    """Let the settings' general limit hold."""
    del option
    return None


def by_event(option: Mapping[str, Any]) -> Completion:
    """Complete with an event."""
    del option
    return Completion.BY_EVENT


def at_once(option: Mapping[str, Any]) -> Completion:
    """Complete with the answer."""
    del option
    return Completion.AT_ONCE


@frozen(kw_only=True)
class Executor:
    """An action type."""

    name: str
    """The action type."""
    option: type[Option] = NoOption
    media: Media = Media.ANY
    on_error: OnError = OnError.END_FLOW
    kind: Kind
    run: Run | None = None
    """None: a caller action that call-manager carries out."""
    completion: Callable[[Mapping[str, Any]], Completion] = field(default=by_event)
    """When a caller action is complete, from its option."""
    limit: Callable[[Mapping[str, Any]], timedelta | None] = field(default=no_limit)
    """How long its completion may take, from its option."""
    on_signal: OnSignal = field(default=done_by_signal)
    """What an event means while the action is waited for. None: nothing; Hold: it goes on, with these variables."""
    public: bool = True
    """Accepted in requests; else only in what services push."""


def executor(
    action_type: str,
    *,
    option: type[Option] = NoOption,
    media: Media = Media.ANY,
    on_error: OnError = OnError.END_FLOW,
    public: bool = True,
) -> Callable[[Run], Executor]:
    """Make an executor of a function; its second parameter's name says what it needs."""

    def make(run: Run) -> Executor:
        kind = kind_of(run)
        return Executor(
            name=action_type, option=option, media=media, on_error=on_error, kind=kind, run=run, public=public
        )

    return make


def kind_of(run: Run) -> Kind:
    """Return which half of a turn runs a function."""
    names = tuple(inspect.signature(run).parameters)
    kinds = {("task",): Kind.PURE, ("task", "flows"): Kind.READING, ("task", "managers"): Kind.TALKING}
    return kinds[names]


ALLOWED: Mapping[Media, Callable[[ReferenceType, bool], bool]] = {
    Media.ANY: lambda _type, _live: True,
    Media.RTC: lambda _type, live: live,
    Media.NON_RTC: lambda reference_type, live: not live and reference_type is not ReferenceType.NONE,
}


def allowed(media: Media, activeflow: Activeflow) -> bool:
    """Say whether an activeflow can run an action: only one with a live call has media."""
    live = activeflow.reference_type is ReferenceType.CALL and not activeflow.after_reference
    return ALLOWED[media](activeflow.reference_type, live)


def unfit(media: Media, activeflow: Activeflow) -> str:
    """Say why an activeflow cannot run an action."""
    kind = activeflow.reference_type.value or "nothing"
    if media is Media.NON_RTC:
        return f"it is for messages and the like, and this activeflow belongs to {kind}"
    if activeflow.reference_type is ReferenceType.CALL:
        return "it needs a live call, and this activeflow follows a call that is over"
    return f"it needs a live call, and this activeflow belongs to {kind}"
