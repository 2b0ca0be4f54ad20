"""Records as the JSON of the wire: key names, omitted empty values, times and the shapes of answers and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, State, Step
from flowmanager.core.flow import Flow
from flowmanager.core.ids import MAIN, NIL, Id
from flowmanager.core.machine import pending_frames
from flowmanager.core.stacks import Frame, StackMap

Wire = dict[str, Any]


@lru_cache(maxsize=256)
def time_text(moment: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC with up to six fraction digits, trailing zeros trimmed.

    The steps of one turn have the same few times, of which each is made once.
    """
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0') if moment.microsecond else text}Z"


def without_empty(record: Wire, *keys: str) -> Wire:
    """Return the record without the named keys that are empty."""
    return {key: value for key, value in record.items() if value or key not in keys}


def action_wire(action: Action) -> Wire:
    """Return an action as requests and answers show it."""
    shown: Wire = {"id": action.id, "next_id": action.next_id}
    if action.type:
        shown["type"] = action.type
    if action.option:
        shown["option"] = action.option
    shown["tm_execute"] = None
    return shown


def step_wire(step: Step) -> Wire:
    """Return a line of the history: the action and how it went."""
    shown = action_wire(step.action)
    shown["tm_execute"] = time_text(step.tm_execute)
    shown |= {"tm_end": time_text(step.tm_end), "result": str(step.result), "cause": step.cause}
    if step.error:
        shown["error"] = step.error
    return shown


def flow_wire(flow: Flow) -> Wire:
    """Return a flow."""
    record = {
        "id": flow.id,
        "customer_id": flow.customer_id,
        "type": flow.type,
        "name": flow.name,
        "detail": flow.detail,
        "persist": flow.persist,
        "actions": [action_wire(action) for action in flow.actions],
        "direct_id": flow.direct_id,
        "direct_hash": flow.direct_hash,
        "on_complete_flow_id": flow.on_complete_flow_id,
        "on_drop_flow_id": flow.on_drop_flow_id,
        "tm_create": time_text(flow.tm_create),
        "tm_update": time_text(flow.tm_update),
        "tm_delete": time_text(flow.tm_delete),
    }
    return without_empty(record, "type", "name", "detail", "persist", "actions", "direct_hash")


def frame_index(stacks: StackMap, cursor_stack_id: Id, cursor_action_id: Id) -> dict[Id, int]:
    """Return where each frame on the way to the main frame stands, by position; -1: before its first action."""
    indexes: dict[Id, int] = {}
    action_id = cursor_action_id
    for frame in stacks.chain(cursor_stack_id):
        number = frame.index(action_id)
        indexes[frame.id] = -1 if number is None else number
        action_id = frame.returns.place.action_id if frame.returns else NIL
    return indexes


def frame_wire(frame: Frame, index: int | None) -> Wire:
    """Return a frame of the stack map."""
    returns = frame.returns
    shown: Wire = {
        "id": frame.id,
        "actions": [action_wire(action) for action in frame.actions] or None,
        "return_stack_id": returns.place.stack_id if returns else NIL,
        "return_action_id": returns.place.action_id if returns else NIL,
        "current_index": index,
    }
    if frame.goto_counts:
        shown["goto_counts"] = dict(frame.goto_counts)
    return shown


def stack_map_wire(flow: Activeflow) -> Wire:
    """Return all frames by id."""
    indexes = frame_index(flow.stacks, flow.cursor.stack_id, flow.cursor.action_id)
    return {key: frame_wire(frame, indexes.get(key)) for key, frame in flow.stacks.frames.items()}


def stacks_wire(flow: Activeflow) -> list[Wire]:
    """Return the frames from the main one to the cursor and to those pushed on top of it that have not begun."""
    frames = [*pending_frames(flow), *flow.stacks.chain(flow.cursor.stack_id)]
    indexes = frame_index(flow.stacks, flow.cursor.stack_id, flow.cursor.action_id)
    shown = []
    for frame in reversed(frames):
        index = indexes.get(frame.id, -1)
        returns = frame.returns
        shown.append(
            {
                "frame_id": frame.id,
                "parent_frame_id": returns.place.stack_id if returns else None,
                "stack_depth": flow.stacks.depth(frame.id),
                "current_index": index,
                "current_action": action_wire(frame.actions[index]) if index >= 0 else None,
                "current": frame.id == flow.cursor.stack_id,
                "main": frame.id == MAIN,
                "return_stack_id": returns.place.stack_id if returns else NIL,
                "return_action_id": returns.place.action_id if returns else NIL,
                "forward_action_id": flow.forward.action_id
                if flow.forward and flow.forward.stack_id == frame.id
                else NIL,
                "actions": [action_wire(action) for action in frame.actions],
            }
        )
    return shown


def head_wire(flow: Activeflow) -> Wire:
    """Return what every form of an activeflow begins with."""
    record = {
        "id": flow.id,
        "customer_id": flow.customer_id,
        "flow_id": flow.flow_id,
        "status": status_of(flow.state),
        "state": str(flow.state),
        "reference_type": str(flow.reference_type),
        "reference_id": flow.reference_id,
        "reference_activeflow_id": flow.reference_activeflow_id,
        "on_complete_flow_id": flow.on_complete_flow_id,
        "on_drop_flow_id": flow.on_drop_flow_id,
        "webhook_uri": flow.webhook_uri,
        "webhook_method": flow.webhook_method,
    }
    return without_empty(record, "reference_type", "webhook_uri", "webhook_method")


def tail_wire(flow: Activeflow) -> Wire:
    """Return what every form of an activeflow ends with: why it ended, counters and times."""
    record: Wire = {
        "execute_count": flow.execute_count,
        "executed_count": flow.executed_count,
        "stack_depth": flow.stack_depth,
        "ended_reason": flow.ended_reason.value if flow.ended_reason else None,
        "error": fault_wire(flow),
        "on_complete_blocked": flow.on_complete_blocked,
        "tm_create": time_text(flow.tm_create),
        "tm_update": time_text(flow.tm_update),
        "tm_end": time_text(flow.tm_end),
        "tm_delete": time_text(flow.tm_delete),
    }
    return without_empty(record, "execute_count", "on_complete_blocked")


def fault_wire(flow: Activeflow) -> Wire | None:
    """Return the error that ended an activeflow."""
    fault = flow.fault
    return {"action_id": fault.action_id, "type": fault.type, "message": fault.message} if fault else None


def status_of(state: State) -> str:
    """Return the coarse status of the wire."""
    return "ended" if state.over else "running"


def event_wire(flow: Activeflow, steps: Sequence[Step]) -> Wire:
    """Return an activeflow as events show it: without frames, with the steps since the previous event."""
    return {
        **head_wire(flow),
        "current_stack_id": flow.cursor.stack_id,
        "current_action": action_wire(flow.current_action),
        "forward_stack_id": flow.forward.stack_id if flow.forward else NIL,
        "forward_action_id": flow.forward.action_id if flow.forward else NIL,
        "executed_actions": [step_wire(step) for step in steps],
        **tail_wire(flow),
    }


def activeflow_wire(flow: Activeflow, steps: Sequence[Step]) -> Wire:
    """Return an activeflow as answers show it: with frames and its whole history."""
    shown = event_wire(flow, steps)
    shown["stack_map"] = stack_map_wire(flow)
    return without_empty(shown, "executed_actions")


def detail_wire(flow: Activeflow, steps: Sequence[Step]) -> Wire:
    """Return a single activeflow: the answer form and its variables."""
    return {**activeflow_wire(flow, steps), "variables": dict(flow.variables)}


NOT_IN_WEBHOOKS = frozenset(
    {"current_stack_id", "forward_stack_id", "execute_count", "stack_depth", "on_complete_blocked"}
)


def webhook_wire(event: Mapping[str, Any]) -> Wire:
    """Return the reduced form for customers' webhooks of an event's data."""
    return {key: value for key, value in event.items() if key not in NOT_IN_WEBHOOKS}


def variables_wire(flow: Activeflow) -> Wire:
    """Return the variables of an activeflow."""
    return {"id": flow.id, "variables": dict(flow.variables)}
