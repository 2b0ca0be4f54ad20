"""`confbridge_join`: put the call into a bridge until it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flowmanager.core.outcomes import Outcome
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.executor import Executor, Kind, Media, OnError, Task, done_by_signal
from flowmanager.schemas.fields import Uuid
from flowmanager.schemas.options import Option

LONGEST = timedelta(hours=24)
"""People may talk for long; an activeflow whose event was lost must not wait for ever."""


class ConfbridgeJoinOption(Option):
    """The options of `confbridge_join`."""

    examples = ({"confbridge_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10"},)

    confbridge_id = Uuid(about="The bridge.")


def bridge_limit(option: Mapping[str, Any]) -> timedelta | None:
    """Return how long the call may stay in the bridge."""
    del option
    return LONGEST


def on_event(task: Task, signal: Signal) -> Outcome | None:
    """Complete the action when this bridge was left; news of an earlier one may come late."""
    left = signal.text if signal.kind is SignalKind.DONE else ""
    if left and left != task.option["confbridge_id"]:
        return None
    return done_by_signal(task, signal)


confbridge_join = Executor(
    name="confbridge_join",
    option=ConfbridgeJoinOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    limit=bridge_limit,
    on_signal=on_event,
)
