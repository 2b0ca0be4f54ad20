"""A conversation with an AI is over."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription


@subscription(("ai", "aicall_status_terminated"))
def aicall_terminated(event: Event) -> Notice | None:
    """Release the aicall's frame."""
    activeflow_id, service_id = event.id("activeflow_id"), event.id("id")
    signal = Signal(kind=SignalKind.SERVICE_DONE, cause="aicall_status_terminated", service_id=service_id)
    return Notice(signal, activeflow_id) if activeflow_id and service_id else None


@subscription(("ai", "ai_talk_complete"), ("ai", "talk_complete"), ("ai", "done"))
def ai_talk_complete(event: Event) -> Notice | None:
    """Release the frame of the aicall that the event names, else that of the current `ai_talk`."""
    activeflow_id = event.id("activeflow_id")
    reference_id = None if activeflow_id else event.id("reference_id", "call_id", "conversation_id")
    signal = Signal(
        kind=SignalKind.SERVICE_DONE,
        cause="ai_talk_complete",
        action_types=frozenset({"ai_talk"}),
        service_id=event.id("service_id", "aicall_id"),
    )
    return Notice(signal, activeflow_id, reference_id) if activeflow_id or reference_id else None
