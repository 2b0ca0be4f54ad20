"""Committing a change of an activeflow: record, history, events, and the on-complete child when it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog

from flowmanager.core import machine
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, Step, Wait
from flowmanager.core.flow import Flow
from flowmanager.core.ids import NIL
from flowmanager.core.stacks import StackMap
from flowmanager.core.variables import COMPLETE_COUNT, Variables, initial
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.events import activeflow_messages
from flowmanager.ports import Transaction

log = structlog.get_logger()

WITHOUT_ON_COMPLETE = frozenset({EndedReason.DROPPED, EndedReason.CUSTOMER_DELETED})


def save_silently(transaction: Transaction, change: machine.Change) -> Activeflow:
    """Store a change that nobody is told of yet."""
    flow = change.flow.evolve(tm_update=transaction.now())
    transaction.save_activeflow(flow)
    transaction.append_steps(flow.id, change.steps)
    return flow


def save(
    transaction: Transaction, work: Work, change: machine.Change, *, unreported: Sequence[Step] = ()
) -> Activeflow:
    """Store a change of a running activeflow and its event. `unreported`: stored steps that no event has told.

    When the change ends the activeflow, its on-complete child is created in the same transaction: never twice.
    """
    flow = change.flow
    child = on_complete(transaction, work, flow) if flow.over else None
    if flow.over:
        flow = flow.evolve(on_complete_blocked=may_chain(flow) and too_deep(work.engine, flow))
        work.draft.notes.append(partial(count_end, work.engine, flow))
    flow = flow.evolve(tm_update=transaction.now(), reported_count=flow.executed_count)
    transaction.save_activeflow(flow)
    transaction.append_steps(flow.id, change.steps)
    tell(transaction, work, "activeflow_updated", flow, [*unreported, *change.steps])
    if child is not None:
        insert(transaction, work, child)
        work.draft.children.append(child.id)
    return flow


def untold(transaction: Transaction, flow: Activeflow) -> tuple[Step, ...]:
    """Return the stored steps that no event has told: only a turn that is under way has any."""
    if flow.reported_count == flow.executed_count:
        return ()
    return tuple(transaction.get_steps([flow.id], since=flow.reported_count).get(flow.id, ()))


def tell(transaction: Transaction, work: Work, event_type: str, flow: Activeflow, steps: Sequence[Step]) -> None:
    """Put an event about an activeflow into the outbox."""
    transaction.add_messages(activeflow_messages(work.engine.ids, event_type, flow, steps))
    work.draft.touched.append(flow.id)


def count_end(engine: Engine, flow: Activeflow) -> None:
    """Count an end in the metrics and log it."""
    kind, metrics = flow.reference_type.value, engine.metrics
    metrics.activeflow_ended.labels(kind).inc()
    metrics.activeflow_running.labels(kind).dec()
    if flow.tm_create and flow.tm_end:
        metrics.activeflow_duration.labels(kind).observe((flow.tm_end - flow.tm_create).total_seconds())
    log.info(
        "activeflow_ended",
        activeflow_id=flow.id,
        reason=flow.ended_reason,
        steps=flow.executed_count,
        error=flow.fault.message if flow.fault else None,
    )


def too_deep(engine: Engine, flow: Activeflow) -> bool:
    """Say whether a child of this activeflow would make the chain too long."""
    return flow.complete_count + 1 >= engine.limits.chain_depth


def insert(transaction: Transaction, work: Work, flow: Activeflow) -> None:
    """Store a new activeflow and its event."""
    transaction.insert_activeflow(flow)
    tell(transaction, work, "activeflow_created", flow, ())
    work.draft.notes.append(partial(count_creation, work.engine, flow))


def count_creation(engine: Engine, flow: Activeflow) -> None:
    """Count a creation in the metrics and log it."""
    engine.metrics.activeflow_created.labels(flow.reference_type.value).inc()
    engine.metrics.activeflow_running.labels(flow.reference_type.value).inc()
    log.info("activeflow_created", activeflow_id=flow.id, flow_id=flow.flow_id, reference_id=flow.reference_id)


def may_chain(flow: Activeflow) -> bool:
    """Say whether this end starts an on-complete flow, depth apart."""
    return flow.on_complete_flow_id != NIL and flow.ended_reason not in WITHOUT_ON_COMPLETE


def on_complete(transaction: Transaction, work: Work, parent: Activeflow) -> Activeflow | None:
    """Return the child that the end of an activeflow starts; None: there is none, or the chain is long enough."""
    if not may_chain(parent) or too_deep(work.engine, parent):
        return None
    template = transaction.get_flow(parent.on_complete_flow_id)
    if template is None or template.customer_id != parent.customer_id:
        log.warning("on_complete_flow_missing", activeflow_id=parent.id, flow_id=parent.on_complete_flow_id)
        return None
    return child_of(work.engine, parent, template, transaction.now())


def child_of(engine: Engine, parent: Activeflow, template: Flow, now: datetime) -> Activeflow:
    """Return a new activeflow that inherits the parent's variables and is due at once."""
    child = Activeflow(
        id=engine.ids.new(),
        customer_id=parent.customer_id,
        flow_id=template.id,
        reference_type=parent.reference_type,
        reference_id=parent.reference_id,
        reference_activeflow_id=parent.id,
        on_complete_flow_id=template.on_complete_flow_id,
        after_reference=True,
        stacks=StackMap.of(template.actions),
        complete_count=parent.complete_count + 1,
        wait=Wait(Driver.TIMER, now),
        tm_create=now,
    )
    variables, _ = initial(parent.variables, {}, own_variables(child), limits=engine.limits)
    return child.evolve(variables=variables)


def own_variables(flow: Activeflow) -> Variables:
    """Return the variables that every activeflow has of itself."""
    return {
        "voipbin.activeflow.id": flow.id,
        "voipbin.activeflow.reference_type": flow.reference_type.value,
        "voipbin.activeflow.reference_id": flow.reference_id,
        "voipbin.activeflow.reference_activeflow_id": flow.reference_activeflow_id,
        "voipbin.activeflow.flow_id": flow.flow_id,
        COMPLETE_COUNT: str(flow.complete_count),
    }
