"""A trace as the wire shows it: what happened to an activeflow, step by step, masked and of bounded size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from flowmanager.core.action import Action, Option
from flowmanager.core.activeflow import Activeflow, Step
from flowmanager.core.details import SEQ
from flowmanager.core.ids import MAIN, NIL, Id
from flowmanager.core.masking import is_secret, shown_text, shown_tree
from flowmanager.core.naming import TARGET_MAP, TARGETS, references
from flowmanager.core.stacks import Frame, Place
from flowmanager.core.variables import names_in
from flowmanager.schemas.why import why
from flowmanager.schemas.wire import Wire, fault_wire, status_of, time_text

FRAME_ACTIONS = 500
"""Shown of one frame: a picture of more cannot be read."""
FRAMES = 50
TARGETS_SHOWN = 50
"""Of one action."""
STEP_BYTES = 2_000_000
"""Of all steps of one answer."""
ERROR_CHARACTERS = 600

CAUSES: Mapping[str, str] = {
    "timer": "timer",
    "on_complete": "chain",
    "customer_deleted": "event",
    **dict.fromkeys(
        ("execute", "next", "continue", "forward_now", "stop_request", "deleted", "dropped"),
        "request",
    ),
}
"""What kind of thing a cause is; every other name is that of an event."""


def trace_wire(flow: Activeflow, steps: Sequence[Step], *, name: str, now: datetime, latest: bool) -> Wire:
    """Return a trace with these steps, which follow each other. `latest`: what does not fit is left out in front."""
    shown = fitting([step_trace(flow, step) for step in steps], latest=latest)
    first = shown[0]["seq"] if shown else flow.executed_count
    following = first + len(shown)
    return {
        **head_trace(flow, name=name, now=now),
        "current": current_trace(flow),
        "frames": [frame_trace(frame) for frame in list(flow.stacks.frames.values())[:FRAMES]],
        "steps": shown,
        "since": first,
        "next_since": following if following < flow.executed_count else None,
    }


def head_trace(flow: Activeflow, *, name: str, now: datetime) -> Wire:
    """Return what is told before the steps."""
    return {
        "id": flow.id,
        "customer_id": flow.customer_id,
        "flow_id": flow.flow_id,
        "flow_name": name,
        "reference_type": flow.reference_type.value,
        "reference_id": flow.reference_id,
        "reference_activeflow_id": flow.reference_activeflow_id,
        "on_complete_flow_id": flow.on_complete_flow_id,
        "status": status_of(flow.state),
        "state": flow.state.value,
        "why": why(flow, now),
        "wait": wait_trace(flow),
        "ended_reason": flow.ended_reason.value if flow.ended_reason else None,
        "error": fault_trace(flow),
        "executed_count": flow.executed_count,
        "execute_count": flow.execute_count,
        "now": time_text(now),
        "tm_create": time_text(flow.tm_create),
        "tm_update": time_text(flow.tm_update),
        "tm_end": time_text(flow.tm_end),
    }


def wait_trace(flow: Activeflow) -> Wire | None:
    """Return what the activeflow waits for."""
    return {"for": flow.wait.driver.value, "until": time_text(flow.wait.until)} if flow.wait else None


def fault_trace(flow: Activeflow) -> Wire | None:
    """Return the error that ended the activeflow."""
    fault = fault_wire(flow)
    return {**fault, "message": shown_text(fault["message"], limit=ERROR_CHARACTERS)} if fault else None


def current_trace(flow: Activeflow) -> Wire | None:
    """Return the step under way: where the cursor stands, since when, and what is known of it so far."""
    if flow.over or flow.tm_execute is None:
        return None
    noted = flow.details if flow.details and flow.details.get(SEQ) == flow.executed_count else {}
    told = {key: value for key, value in noted.items() if key != SEQ}
    return {
        **action_trace(flow, flow.current_action, flow.cursor.stack_id),
        "seq": flow.executed_count,
        "cause": flow.turn.cause if flow.turn else "",
        "tm_execute": time_text(flow.tm_execute),
        **told,
    }


def step_trace(flow: Activeflow, step: Step) -> Wire:
    """Return one step."""
    details = dict(step.details or {})
    stack_id = details.pop("stack", MAIN)
    shown: Wire = {
        **action_trace(flow, step.action, stack_id),
        "seq": step.seq,
        "result": step.result.value,
        "cause": step.cause,
        "cause_kind": CAUSES.get(step.cause, "event"),
        "tm_execute": time_text(step.tm_execute),
        "tm_end": time_text(step.tm_end),
        **details,
    }
    return {**shown, "error": shown_text(step.error, limit=ERROR_CHARACTERS)} if step.error else shown


def action_trace(flow: Activeflow, action: Action, stack_id: Id) -> Wire:
    """Return an executed action. What its flow took from a secret variable is shown as the flow says it."""
    template = flow.stacks.action(Place(stack_id, action.id))
    option = unrevealed(action.option, template.option if template else None)
    return {"stack_id": stack_id, "action_id": action.id, "type": action.type, "option": option_trace(option)}


def option_trace(option: Option | None) -> Wire:
    """Return an option as it may be shown."""
    shown: Wire = shown_tree(option or {}, depth=3)
    return shown


def unrevealed(value: Any, template: Any) -> Any:
    """Return a JSON value; texts that a template made of a secret variable are those of the template."""
    if isinstance(template, str):
        return template if any(is_secret(name) for name in names_in(template)) else value
    if isinstance(value, Mapping) and isinstance(template, Mapping):
        return {key: unrevealed(inner, template.get(key)) for key, inner in value.items()}
    if isinstance(value, list) and isinstance(template, list) and len(value) == len(template):
        return [unrevealed(inner, other) for inner, other in zip(value, template, strict=True)]
    return value


def frame_trace(frame: Frame) -> Wire:
    """Return a frame with its actions as the flow says them."""
    returns = frame.returns
    return {
        "id": frame.id,
        "parent_stack_id": returns.place.stack_id if returns else NIL,
        "parent_action_id": returns.place.action_id if returns else NIL,
        "at": returns is not None and returns.at,
        "actions": [template_trace(action) for action in frame.actions[:FRAME_ACTIONS]],
        "omitted": max(len(frame.actions) - FRAME_ACTIONS, 0),
    }


def template_trace(action: Action) -> Wire:
    """Return an action of a frame, its targets apart from the rest of the option."""
    option = action.option or {}
    targets = [{"label": label_of(path), "id": target} for path, target in references(option)]
    rest = {key: value for key, value in option.items() if key not in (*TARGETS, TARGET_MAP)}
    return {
        "id": action.id,
        "next_id": action.next_id,
        "type": action.type,
        "option": shown_tree(rest, depth=3),
        "targets": [target for target in targets if target["id"] != NIL][:TARGETS_SHOWN],
    }


def label_of(path: Sequence[str | int]) -> str:
    """Return what an edge to a target is called: the value of a branch, `default`, `false`, or nothing."""
    if path[0] == TARGET_MAP:
        return shown_text(str(path[1]), limit=40)
    return str(path[0]).removesuffix("target_id").removesuffix("_")


def fitting(steps: Sequence[Wire], *, latest: bool, limit: int = STEP_BYTES) -> Sequence[Wire]:
    """Return as many steps as one answer holds, from the end or from the beginning, at least one."""
    size, kept = 0, 0
    for step in reversed(steps) if latest else steps:
        size += len(orjson.dumps(step))
        if kept and size > limit:
            break
        kept += 1
    return steps[len(steps) - kept :] if latest else steps[:kept]
