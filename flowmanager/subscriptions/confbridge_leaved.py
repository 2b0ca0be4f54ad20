"""A call left the bridge it had joined."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription

JOIN = frozenset({"confbridge_join"})


@subscription(("call", "confbridge_leaved"))
def confbridge_leaved(event: Event) -> Notice | None:
    """Complete the join of the call that left. `activeflow_id` in the event is that of the bridge's creator."""
    reference_id = event.id("leaved_call_id")
    bridge_id = event.id("id") or ""
    signal = Signal(kind=SignalKind.DONE, cause="confbridge_leaved", action_types=JOIN, text=bridge_id)
    return Notice(signal, reference_id=reference_id) if reference_id else None


@subscription(("call", "BridgeDestroyed"), ("media", "BridgeDestroyed"))
def bridge_destroyed(event: Event) -> Notice | None:
    """Complete the join of the activeflow named in the event, else of all of the call."""
    activeflow_id = event.id("activeflow_id")
    reference_id = None if activeflow_id else event.id("call_id", "reference_id")
    signal = Signal(kind=SignalKind.DONE, cause="bridge_destroyed", action_id=event.id("action_id"), action_types=JOIN)
    return Notice(signal, activeflow_id, reference_id) if activeflow_id or reference_id else None
