"""The statements of the hot path, built once: SQLAlchemy would take longer to build one than the database to run it.

Rows with large values are not sorted in the database: MySQL may give up for lack of memory (error 1038).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Executable,
    Insert,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from flowmanager.store.columns import IdColumn
from flowmanager.store.moments import MOMENT, Moments, moments_of
from flowmanager.store.records import DERIVED, RUNNING
from flowmanager.store.tables import activeflows, answers, executed_actions, flows, outbox

Condition = ColumnElement[bool]

KEY = "key"
KEYS = "keys"
SINCE = "since"
UNTIL = "until"

INSERT_FLOW = insert(flows)
INSERT_ACTIVEFLOW = insert(activeflows)
INSERT_STEP = insert(executed_actions)
INSERT_MESSAGE = insert(outbox)


def keyed(table: Table) -> Condition:
    """Return the condition for the row with the given id."""
    return table.c.id == bindparam(KEY)


def listed(column: ColumnElement[Any]) -> Condition:
    """Return the condition for the rows with one of the given values."""
    return column.in_(bindparam(KEYS, expanding=True))


UPDATE_FLOW = update(flows).where(keyed(flows))
UPDATE_ACTIVEFLOW = update(activeflows).where(keyed(activeflows))
SELECT_ACTIVEFLOWS = select(*[column for column in activeflows.c if column.name not in DERIVED])
GET_ACTIVEFLOW = SELECT_ACTIVEFLOWS.where(keyed(activeflows))
COUNT_FLOWS = (
    select(func.count())
    .select_from(flows)
    .where(flows.c.customer_id == bindparam(KEY), flows.c.persist.is_(True), flows.c.tm_delete.is_(None))
)
RUNNING_BY_REFERENCE = (
    select(activeflows.c.id)
    .where(activeflows.c.reference_id == bindparam(KEY), activeflows.c.status == RUNNING)
    .order_by(activeflows.c.tm_create, activeflows.c.id)
)
BY_REFERENCE = SELECT_ACTIVEFLOWS.where(activeflows.c.reference_id == bindparam(KEY), activeflows.c.status == RUNNING)
STEPS_SINCE = (listed(executed_actions.c.activeflow_id), executed_actions.c.seq >= bindparam(SINCE))
GET_STEPS = select(*[column for column in executed_actions.c if column.name != "details"]).where(*STEPS_SINCE)
GET_TRACE = select(executed_actions).where(*STEPS_SINCE, executed_actions.c.seq < bindparam(UNTIL))
GET_ANSWER = select(answers.c.body).where(answers.c.request_key == bindparam(KEY))
UNPUBLISHED = select(outbox).where(listed(outbox.c.activeflow_id))
PUBLISHED = delete(outbox).where(listed(outbox.c.id))


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements that tell or compare the database's time, which each kind of database says in its own way."""

    now: Select[Any]
    get_flow: Select[Any]
    lock_flow: Select[Any]
    lock_activeflow: Select[Any]
    lock_by_reference: Select[Any]
    add_answer: Insert
    heartbeat: Executable


def statements_of(dialect: Dialect, *, answer_seconds: float) -> Statements:
    """Return the statements for a kind of database. `answer_seconds`: how long an answer is kept."""
    moments = moments_of(dialect)
    get_flow = select(flows).where(keyed(flows), or_(flows.c.tm_expire.is_(None), flows.c.tm_expire > moments.here()))
    # Of all upserts, REPLACE is the one that every database understands.
    heartbeat = text(f"REPLACE INTO workers (id, tm_heartbeat) VALUES (:{KEY}, {moments.now})")
    return Statements(
        now=select(moments.here()),
        get_flow=get_flow,
        lock_flow=locking(get_flow, moments),
        lock_activeflow=locking(GET_ACTIVEFLOW, moments),
        lock_by_reference=locking(BY_REFERENCE, moments),
        add_answer=insert(answers).values(tm_expire=moments.after(answer_seconds)),
        heartbeat=heartbeat.bindparams(bindparam(KEY, type_=IdColumn())),
    )


def locking(query: Select[Any], moments: Moments) -> Select[Any]:
    """Return the query as one that locks its row and tells the time at which it had the lock."""
    return query.add_columns(moments.locked().label(MOMENT)).with_for_update()
