"""A call got another status, short of being over."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription

STATUS = "voipbin.call.status"


@subscription(
    ("call", "call_dialing"),
    ("call", "call_ringing"),
    ("call", "call_progressing"),
    ("call", "call_terminating"),
    ("call", "call_canceling"),
    ("call", "call_answered"),
    ("call", "dialing"),
    ("call", "ringing"),
    ("call", "progressing"),
    ("call", "terminating"),
    ("call", "canceling"),
    ("call", "answered"),
)
def call_status(event: Event) -> Notice | None:
    """Put the status into a variable of the activeflow named in the event, else of all of the call."""
    activeflow_id = event.id("activeflow_id")
    reference_id = None if activeflow_id else event.id("reference_id", "call_id", "id")
    told = event.name.removeprefix("call")
    status = "progressing" if told == "answered" else told
    signal = Signal(kind=SignalKind.VARIABLES, cause=f"call_{told}", variables={STATUS: status})
    return Notice(signal, activeflow_id, reference_id) if activeflow_id or reference_id else None
