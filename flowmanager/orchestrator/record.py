"""Committing a change of an activeflow: record, history, events, and the on-complete child when it ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog

from flowmanager.core import machine
from flowmanager.core.activeflow import Activeflow, State, Step
from flowmanager.orchestrator import succession
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.events import activeflow_messages
from flowmanager.ports import Transaction

log = structlog.get_logger()


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

    When the change ends the activeflow, what follows it is stored in the same transaction: never twice, never lost.
    """
    flow = change.flow
    if flow.over:
        flow = flow.evolve(on_complete_blocked=succession.blocked(work.engine, flow))
        work.draft.notes.append(partial(count_end, work.engine, flow))
    flow = flow.evolve(tm_update=transaction.now(), reported_count=flow.executed_count)
    transaction.save_activeflow(flow)
    transaction.append_steps(flow.id, change.steps)
    event = "activeflow_suspended" if flow.state is State.SUSPENDED else "activeflow_updated"
    tell(transaction, work, event, flow, [*unreported, *change.steps])
    if flow.over:
        follow(transaction, work, flow)
    return flow


def follow(transaction: Transaction, work: Work, ended: Activeflow) -> None:
    """Store what follows an end: the child it starts, and the activeflow below it on the stack."""
    child = succession.child(transaction, work.engine, ended)
    if child is not None:
        insert(transaction, work, child)
        work.draft.children.append(child.id)
    below = succession.next_below(transaction, work.engine, ended)
    if below is not None:
        resumed = save_silently(transaction, machine.Change(below))
        tell(transaction, work, "activeflow_resumed", resumed, ())
        work.draft.children.append(resumed.id)


def untold(transaction: Transaction, flow: Activeflow) -> tuple[Step, ...]:
    """Return the stored steps that no event has told: only a turn that is under way has any."""
    if flow.reported_count == flow.executed_count:
        return ()
    return tuple(transaction.get_steps([flow.id], since=flow.reported_count).get(flow.id, ()))


def tell(transaction: Transaction, work: Work, event_type: str, flow: Activeflow, steps: Sequence[Step]) -> None:
    """Put an event about an activeflow into the outbox."""
    work.engine.crowd.learn(flow.id, flow.customer_id)
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
