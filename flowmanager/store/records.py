"""Records to rows and back: pure, and written by hand because every step of every flow passes here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from flowmanager.core.activeflow import (
    Activeflow,
    Driver,
    EndedReason,
    ReferenceType,
    State,
    Step,
    StepResult,
    Wait,
)
from flowmanager.core.flow import Flow
from flowmanager.core.ids import NIL, Id
from flowmanager.core.stacks import Place
from flowmanager.ports import Message, MessageKind
from flowmanager.store.documents import (
    dump_action,
    dump_actions,
    dump_fault,
    dump_signals,
    dump_suspension,
    dump_turn,
    load_action,
    load_actions,
    load_fault,
    load_place,
    load_signals,
    load_suspension,
    load_turn,
)

Columns = dict[str, Any]

RUNNING = "running"
ENDED = "ended"
CAUSE_CHARACTERS = 255
NOWHERE = Place(NIL, NIL)

DERIVED = frozenset({"status", "stack_depth", "current_action_id"})
"""Columns for lists and people: the record itself is read without them."""


Part = Callable[[Activeflow], Columns]
"""Gives the columns that show one field."""


def plain(field: str) -> Part:
    """Return the part of a field that is a column by itself."""
    return lambda activeflow: {field: getattr(activeflow, field)}


def state_columns(activeflow: Activeflow) -> Columns:
    """Return the state and the coarse status."""
    return {"state": str(activeflow.state), "status": ENDED if activeflow.over else RUNNING}


def stack_columns(activeflow: Activeflow) -> Columns:
    """Return the frames, and how deep the cursor is in them."""
    return {"stack_map": activeflow.stacks, "stack_depth": activeflow.stack_depth}


def cursor_columns(activeflow: Activeflow) -> Columns:
    """Return where the cursor is."""
    place = activeflow.cursor
    return {
        "current_stack_id": place.stack_id,
        "cursor_action_id": place.action_id,
        "stack_depth": activeflow.stack_depth,
    }


def forward_columns(activeflow: Activeflow) -> Columns:
    """Return a pending jump; nowhere: there is none."""
    place = activeflow.forward or NOWHERE
    return {"forward_stack_id": place.stack_id, "forward_action_id": place.action_id}


def wait_columns(activeflow: Activeflow) -> Columns:
    """Return what is waited for."""
    wait = activeflow.wait
    return {"wait_driver": wait.driver.value if wait else None, "wait_until": wait.until if wait else None}


def action_columns(activeflow: Activeflow) -> Columns:
    """Return the current action."""
    action = activeflow.current_action
    return {"current_action": dump_action(action), "current_action_id": action.id}


PARTS: Mapping[str, Part] = {
    **{one.name: plain(one.name) for one in fields(Activeflow)},
    "reference_type": lambda activeflow: {"reference_type": activeflow.reference_type.value},
    "state": state_columns,
    "stacks": stack_columns,
    "cursor": cursor_columns,
    "current_action": action_columns,
    "forward": forward_columns,
    "variables": lambda activeflow: {"variables": dict(activeflow.variables)},
    "wait": wait_columns,
    "suspension": lambda activeflow: {"suspension": dump_suspension(activeflow.suspension)},
    "turn": lambda activeflow: {"turn": dump_turn(activeflow.turn)},
    "early_signals": lambda activeflow: {"early_signals": dump_signals(activeflow.early_signals)},
    "ended_reason": lambda activeflow: {
        "ended_reason": activeflow.ended_reason.value if activeflow.ended_reason else None
    },
    "fault": lambda activeflow: {"error": dump_fault(activeflow.fault)},
}
"""The columns by field: a new field has a column of its name."""


def activeflow_columns(activeflow: Activeflow) -> Columns:
    """Return all columns of an activeflow."""
    columns: Columns = {}
    for part in PARTS.values():
        columns |= part(activeflow)
    return columns


def changed_columns(before: Activeflow, after: Activeflow) -> Columns:
    """Return the columns in which two forms of an activeflow differ, in the order of the fields.

    Most fields are the very same objects in both: only of the others columns are made and compared.
    """
    old = before.__dict__
    columns: Columns = {}
    for field, value in after.__dict__.items():
        if value is old[field] or value == old[field]:
            continue
        known = PARTS[field](before)
        columns |= {column: new for column, new in PARTS[field](after).items() if new != known[column]}
    return columns


def load_activeflow(row: Row[Any]) -> Activeflow:
    """Return the activeflow of a row."""
    return Activeflow(
        id=row.id,
        customer_id=row.customer_id,
        flow_id=row.flow_id,
        reference_type=ReferenceType(row.reference_type),
        reference_id=row.reference_id,
        reference_activeflow_id=row.reference_activeflow_id,
        on_complete_flow_id=row.on_complete_flow_id,
        on_drop_flow_id=row.on_drop_flow_id,
        covered=row.covered,
        suspension=load_suspension(row.suspension),
        webhook_uri=row.webhook_uri,
        webhook_method=row.webhook_method,
        after_reference=row.after_reference,
        state=State(row.state),
        stacks=row.stack_map,
        cursor=Place(row.current_stack_id, row.cursor_action_id),
        current_action=load_action(row.current_action),
        forward=load_place(row.forward_stack_id, row.forward_action_id),
        variables=row.variables,
        wait=Wait(Driver(row.wait_driver), row.wait_until) if row.wait_driver else None,
        turn=load_turn(row.turn),
        early_signals=load_signals(row.early_signals),
        details=row.details,
        fence=row.fence,
        owner=row.owner,
        execute_count=row.execute_count,
        executed_count=row.executed_count,
        reported_count=row.reported_count,
        complete_count=row.complete_count,
        ended_reason=EndedReason(row.ended_reason) if row.ended_reason else None,
        fault=load_fault(row.error),
        on_complete_blocked=row.on_complete_blocked,
        tm_execute=row.tm_execute,
        tm_create=row.tm_create,
        tm_update=row.tm_update,
        tm_end=row.tm_end,
        tm_delete=row.tm_delete,
    )


def flow_columns(flow: Flow) -> Columns:
    """Return all columns of a flow."""
    return {
        "id": flow.id,
        "customer_id": flow.customer_id,
        "type": flow.type,
        "name": flow.name,
        "detail": flow.detail,
        "persist": flow.persist,
        "actions": dump_actions(flow.actions),
        "direct_id": flow.direct_id,
        "direct_hash": flow.direct_hash,
        "on_complete_flow_id": flow.on_complete_flow_id,
        "on_drop_flow_id": flow.on_drop_flow_id,
        "tm_create": flow.tm_create,
        "tm_update": flow.tm_update,
        "tm_delete": flow.tm_delete,
        "tm_expire": flow.tm_expire,
    }


def load_flow(row: Row[Any]) -> Flow:
    """Return the flow of a row."""
    return Flow(
        id=row.id,
        customer_id=row.customer_id,
        type=row.type,
        name=row.name,
        detail=row.detail,
        persist=row.persist,
        actions=load_actions(row.actions),
        direct_id=row.direct_id,
        direct_hash=row.direct_hash,
        on_complete_flow_id=row.on_complete_flow_id,
        on_drop_flow_id=row.on_drop_flow_id,
        tm_create=row.tm_create,
        tm_update=row.tm_update,
        tm_delete=row.tm_delete,
        tm_expire=row.tm_expire,
    )


def step_columns(activeflow_id: Id, step: Step) -> Columns:
    """Return all columns of a line of the history. A cause may come from outside: its length is cut to the column's."""
    # Here and in the wire's forms `str`, not `value`, which Python 3.11 looks up by a function of its own: 0.1 against
    # 0.4 µs, fifty times for a turn of twenty actions.
    return {
        "activeflow_id": activeflow_id,
        "seq": step.seq,
        "action": dump_action(step.action),
        "result": str(step.result),
        "cause": step.cause[:CAUSE_CHARACTERS],
        "error": step.error,
        "tm_execute": step.tm_execute,
        "tm_end": step.tm_end,
        "details": step.details,
    }


def load_step(row: Row[Any]) -> Step:
    """Return the line of the history of a row; its details only when the query asked for them."""
    return Step(
        seq=row.seq,
        action=load_action(row.action),
        result=StepResult(row.result),
        cause=row.cause,
        error=row.error,
        tm_execute=row.tm_execute,
        tm_end=row.tm_end,
        details=getattr(row, "details", None),
    )


def message_columns(message: Message, now: datetime) -> Columns:
    """Return all columns of an outgoing message but its number, which the database gives."""
    return {
        "id": message.id,
        "activeflow_id": message.activeflow_id,
        "kind": str(message.kind),
        "target": message.target,
        "body": message.body,
        "tm_create": now,
    }


def load_message(row: Row[Any]) -> Message:
    """Return the outgoing message of a row."""
    return Message(
        id=row.id,
        kind=MessageKind(row.kind),
        activeflow_id=row.activeflow_id,
        body=row.body,
        target=row.target,
        number=row.seq,
    )
