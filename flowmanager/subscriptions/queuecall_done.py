"""A call left its queue: served, given up, or out of time."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription


@subscription(("queue", "queuecall_done"), ("queue", "queuecall_abandoned"))
def queuecall_done(event: Event) -> Notice | None:
    """Release the queuecall's frame."""
    activeflow_id, service_id = event.id("reference_activeflow_id"), event.id("id")
    signal = Signal(kind=SignalKind.SERVICE_DONE, cause="queuecall_done", service_id=service_id)
    return Notice(signal, activeflow_id) if activeflow_id and service_id else None


@subscription(
    ("queue", "agent_answered"),
    ("queue", "queue_timeout"),
    ("queue", "queue_empty"),
    ("queue", "timeout"),
    ("queue", "empty"),
)
def queue_result(event: Event) -> Notice | None:
    """Release the frame of the queuecall that the event names, else that of the current `queue_join`."""
    activeflow_id = event.id("activeflow_id", "reference_activeflow_id")
    reference_id = None if activeflow_id else event.id("reference_id", "call_id")
    signal = Signal(
        kind=SignalKind.SERVICE_DONE,
        cause=event.name,
        action_types=frozenset({"queue_join"}),
        service_id=event.id("service_id", "queuecall_id"),
    )
    return Notice(signal, activeflow_id, reference_id) if activeflow_id or reference_id else None
