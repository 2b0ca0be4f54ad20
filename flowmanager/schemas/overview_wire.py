"""An activeflow in a list for people: where it stands and since when, without frames, variables and history."""

from __future__ import annotations

from datetime import datetime

from flowmanager.core.activeflow import Activeflow
from flowmanager.schemas.why import why
from flowmanager.schemas.wire import Wire, status_of, time_text


def overview_wire(flow: Activeflow, now: datetime) -> Wire:
    """Return one row."""
    wait = flow.wait
    return {
        "id": flow.id,
        "customer_id": flow.customer_id,
        "flow_id": flow.flow_id,
        "reference_type": flow.reference_type.value,
        "reference_id": flow.reference_id,
        "status": status_of(flow.state),
        "state": flow.state.value,
        "wait": {"for": wait.driver.value, "until": time_text(wait.until)} if wait else None,
        "why": why(flow, now),
        "ended_reason": flow.ended_reason.value if flow.ended_reason else None,
        "action_id": flow.current_action.id,
        "action_type": flow.current_action.type,
        "stack_depth": flow.stack_depth,
        "executed_count": flow.executed_count,
        "now": time_text(now),
        "tm_action": time_text(flow.tm_execute),
        "tm_create": time_text(flow.tm_create),
        "tm_update": time_text(flow.tm_update),
        "tm_end": time_text(flow.tm_end),
    }
