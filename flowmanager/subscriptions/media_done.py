"""A media action is complete."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.variables import DIGITS
from flowmanager.subscription import Event, Notice, subscription


@subscription(("media", "done"), ("media", "PlaybackFinished"), ("call", "action_done"))
def media_done(event: Event) -> Notice | None:
    """Complete the current action, or the one that the event names."""
    reference_id, activeflow_id = event.id("call_id", "reference_id"), event.id("activeflow_id")
    digits = event.text("digits")
    signal = Signal(
        kind=SignalKind.DONE,
        cause="media_done",
        action_id=event.id("action_id"),
        variables={DIGITS: digits} if digits else {},
    )
    return Notice(signal, activeflow_id, reference_id) if activeflow_id or reference_id else None
