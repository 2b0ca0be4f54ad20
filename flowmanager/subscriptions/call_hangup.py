"""The call is over: so is its activeflow."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription


@subscription(("call", "call_hangup"), ("call", "hangup"))
def call_hangup(event: Event) -> Notice | None:
    """End the activeflow named in the event, else all of the call."""
    activeflow_id = event.id("activeflow_id")
    reference_id = None if activeflow_id else event.id("reference_id", "call_id", "id")
    signal = Signal(kind=SignalKind.REFERENCE_ENDED, cause="call_hangup")
    return Notice(signal, activeflow_id, reference_id) if activeflow_id or reference_id else None
