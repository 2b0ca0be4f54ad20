"""The statements of the hot path.

Rows with large values are not sorted in the database: MySQL may give up for lack of memory (error 1038).
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Delete,
    Dialect,
    Executable,
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

from flowmanager.core.activeflow import State
from flowmanager.core.frozen import frozen
from flowmanager.store.columns import IdColumn
from flowmanager.store.moments import MOMENT, Moments, moments_of
from flowmanager.store.prepared import Family, Prepared, packed, prepare
from flowmanager.store.records import DERIVED, RUNNING
from flowmanager.store.tables import activeflows, answers, executed_actions, flows, outbox

Condition = ColumnElement[bool]
Found = TypeVar("Found", Select[Any], Delete)

KEY = "key"
KEYS = "keys"
SINCE = "since"
UNTIL = "until"
LIMIT = "limit"
NUMBERS = "numbers"

TIMED = (State.WAITING.value, State.CREATED.value)
"""States that a deadline can end: a created activeflow with one is to be started."""


def keyed(table: Table) -> Condition:
    """Return the condition for the row with the given id."""
    return table.c.id == bindparam(KEY)


def listed(column: ColumnElement[Any]) -> Condition:
    """Return the condition for the rows with one of the given values."""
    return column.in_(bindparam(KEYS, expanding=True))


def by_index(statement: Found, table: Table, index: str = "PRIMARY") -> Found:
    """Return a statement that finds, and locks, rows by an index.

    Of a small table MySQL would read and lock all, and wait for those that others have written and not committed.
    """
    return statement.with_hint(text=f"FORCE INDEX ({index})", selectable=table, dialect_name="mysql")


def deletion(table: Table) -> Delete:
    """Return a deletion of rows of which the primary key is given. MySQL takes a hint if the table is named twice."""
    return by_index(delete(table).prefix_with(table.name, dialect="mysql"), table)


SELECT_ACTIVEFLOWS = select(*[column for column in activeflows.c if column.name not in DERIVED])
GET_ACTIVEFLOW = SELECT_ACTIVEFLOWS.where(keyed(activeflows))
GET_STAMP = select(activeflows.c.tm_create, activeflows.c.tm_update).where(keyed(activeflows))
GET_ACTIVEFLOWS = by_index(SELECT_ACTIVEFLOWS.where(listed(activeflows.c.id)), activeflows)
COUNT_FLOWS = (
    select(func.count().label("number"))
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
UNPUBLISHED = select(*[column for column in outbox.c if column.name != "tm_create"]).where(
    listed(outbox.c.activeflow_id)
)
PUBLISHED = deletion(outbox).where(
    outbox.c.seq.in_(bindparam(NUMBERS, expanding=True)),
    # A server that takes over for a lost one may give a number again: the row must be the same one.
    listed(outbox.c.id),
)


@frozen
class Statements:
    """The statements as one kind of database wants them."""

    now: Prepared
    get_flow: Prepared
    lock_flow: Prepared
    insert_flow: Prepared
    update_flow: Prepared
    count_flows: Prepared
    get_activeflow: Prepared
    get_stamp: Prepared
    lock_activeflow: Prepared
    lock_free: Prepared
    """Of several activeflows those that nobody else has locked."""
    insert_activeflow: Prepared
    update_activeflow: Family
    running_by_reference: Prepared
    lock_by_reference: Prepared
    get_steps: Prepared
    get_trace: Prepared
    insert_step: Prepared
    insert_message: Prepared
    unpublished: Prepared
    published: Prepared
    get_answer: Prepared
    add_answer: Prepared
    due: Prepared
    heartbeat: Executable


def statements_of(dialect: Dialect, *, answer_seconds: float) -> Statements:
    """Return the statements for a kind of database. `answer_seconds`: how long an answer is kept."""
    moments = moments_of(dialect)
    unexpired = (keyed(flows), or_(flows.c.tm_expire.is_(None), flows.c.tm_expire > moments.here()))
    add_answer = insert(answers).values(tm_expire=moments.after(answer_seconds))

    def ready(statement: ClauseElement, *columns: str) -> Prepared:
        return prepare(statement, dialect, columns or None)

    def insertion(table: Table) -> Prepared:
        given = [column.name for column in table.c if column.autoincrement is not True]
        return ready(insert(table), *given)

    return Statements(
        now=ready(select(moments.here().label(MOMENT))),
        get_flow=ready(select(flows, moments.here().label(MOMENT)).where(*unexpired)),
        lock_flow=ready(locking(select(flows).where(*unexpired), moments)),
        insert_flow=insertion(flows),
        update_flow=ready(update(flows).where(keyed(flows)), *flows.c.keys()),
        count_flows=ready(COUNT_FLOWS),
        get_activeflow=packed(GET_ACTIVEFLOW.add_columns(moments.here().label(MOMENT)), dialect),
        get_stamp=ready(GET_STAMP),
        lock_activeflow=packed(locking(GET_ACTIVEFLOW, moments), dialect),
        lock_free=packed(free(GET_ACTIVEFLOWS, moments), dialect),
        insert_activeflow=insertion(activeflows),
        update_activeflow=Family(update(activeflows).where(keyed(activeflows)), dialect),
        running_by_reference=ready(RUNNING_BY_REFERENCE),
        lock_by_reference=packed(locking(BY_REFERENCE, moments), dialect),
        get_steps=ready(GET_STEPS),
        get_trace=ready(GET_TRACE),
        insert_step=insertion(executed_actions),
        insert_message=insertion(outbox),
        unpublished=ready(UNPUBLISHED),
        published=ready(PUBLISHED),
        get_answer=ready(GET_ANSWER),
        add_answer=ready(add_answer, "request_key", "body"),
        due=ready(due(moments)),
        heartbeat=heartbeat(moments),
    )


def due(moments: Moments) -> Select[Any]:
    """Return the query for the activeflows whose deadline has passed."""
    passed = (activeflows.c.wait_until <= moments.here(), activeflows.c.state.in_(TIMED))
    return select(activeflows.c.id).where(*passed).order_by(activeflows.c.wait_until).limit(bindparam(LIMIT))


def heartbeat(moments: Moments) -> Executable:
    """Return the statement by which a worker says that it lives."""
    # Of all upserts, REPLACE is the one that every database understands.
    replace = text(f"REPLACE INTO workers (id, tm_heartbeat) VALUES (:{KEY}, {moments.now})")
    return replace.bindparams(bindparam(KEY, type_=IdColumn()))


def locking(query: Select[Any], moments: Moments) -> Select[Any]:
    """Return the query as one that locks its row and tells the time at which it had the lock."""
    return query.add_columns(moments.locked().label(MOMENT)).with_for_update()


def free(query: Select[Any], moments: Moments) -> Select[Any]:
    """Return the query as one that locks its rows, and passes over those that others have locked."""
    return query.add_columns(moments.locked().label(MOMENT)).with_for_update(skip_locked=True)
