"""A call left its conference."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription


@subscription(("conference", "conferencecall_leaved"))
def conferencecall_leaved(event: Event) -> Notice | None:
    """Release the conferencecall's frame."""
    activeflow_id, service_id = event.id("activeflow_id"), event.id("id")
    signal = Signal(kind=SignalKind.SERVICE_DONE, cause="conferencecall_leaved", service_id=service_id)
    return Notice(signal, activeflow_id) if activeflow_id and service_id else None
