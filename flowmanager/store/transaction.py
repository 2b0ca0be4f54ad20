"""One database transaction: locks tell the time in the same statement, and writes touch only what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Insert, Row, Select
from sqlalchemy.exc import IntegrityError

from flowmanager.core.activeflow import Activeflow, Step
from flowmanager.core.flow import Flow
from flowmanager.core.ids import Id
from flowmanager.errors import AlreadyExists, Answered
from flowmanager.ports import Message, Page
from flowmanager.store import statements as sql
from flowmanager.store.faults import is_duplicate
from flowmanager.store.keys import answer_key
from flowmanager.store.pages import ACTIVEFLOWS, FLOWS, newest_first, rows_of
from flowmanager.store.records import (
    Columns,
    activeflow_columns,
    changed_columns,
    flow_columns,
    load_activeflow,
    load_flow,
    load_step,
    message_columns,
    step_columns,
)
from flowmanager.store.statements import KEY, KEYS, SINCE, UNTIL, Statements


class SqlTransaction:
    """The operations on one connection; the store begins, commits and rolls back."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements
        self._now: datetime | None = None
        self._locked: dict[Id, Activeflow] = {}

    def now(self) -> datetime:
        """Return the database's time (UTC) as of the latest lock in this transaction, else ask for it once.

        It is never earlier than the latest change of a record that this transaction has locked.
        """
        if self._now is None:
            self._now = self._connection.execute(self._statements.now).scalar_one()
        return self._now

    def insert_flow(self, flow: Flow) -> None:
        """Store a new flow. Raises AlreadyExists."""
        self._insert_new(sql.INSERT_FLOW, flow_columns(flow))

    def get_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow, deleted and temporary ones too, but not expired ones."""
        row = self._row(self._statements.get_flow, flow_id)
        return load_flow(row) if row is not None else None

    def lock_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow, unless it has expired, and keep others from changing it until the transaction ends."""
        row = self._lock(self._statements.lock_flow, flow_id)
        return load_flow(row) if row is not None else None

    def update_flow(self, flow: Flow) -> None:
        """Store a changed flow."""
        self._connection.execute(sql.UPDATE_FLOW, {KEY: flow.id, **flow_columns(flow)})

    def list_flows(self, page: Page) -> list[Flow]:
        """Return stored (not temporary) flows. Raises InvalidRequest for a token or filter that cannot be used."""
        return newest_first(load_flow(row) for row in self._connection.execute(rows_of(FLOWS, page)))

    def count_flows(self, customer_id: Id) -> int:
        """Count the stored flows of a customer that are not deleted."""
        count: int = self._connection.execute(sql.COUNT_FLOWS, {KEY: customer_id}).scalar_one()
        return count

    def insert_activeflow(self, activeflow: Activeflow) -> None:
        """Store a new activeflow; it counts as locked. Raises AlreadyExists."""
        self._insert_new(sql.INSERT_ACTIVEFLOW, activeflow_columns(activeflow))
        self._locked[activeflow.id] = activeflow

    def get_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow without locking it."""
        row = self._row(sql.GET_ACTIVEFLOW, activeflow_id)
        return load_activeflow(row) if row is not None else None

    def lock_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow and keep others from changing it until the transaction ends."""
        row = self._lock(self._statements.lock_activeflow, activeflow_id)
        if row is None:
            return None
        self._locked[activeflow_id] = load_activeflow(row)
        return self._locked[activeflow_id]

    def save_activeflow(self, activeflow: Activeflow) -> None:
        """Store a changed activeflow that was locked or inserted in this transaction; only what changed is written."""
        columns = changed_columns(self._locked[activeflow.id], activeflow)
        if columns:
            self._connection.execute(sql.UPDATE_ACTIVEFLOW, {KEY: activeflow.id, **columns})
        self._locked[activeflow.id] = activeflow

    def list_activeflows(self, page: Page) -> list[Activeflow]:
        """Return activeflows. Raises InvalidRequest for a token or filter that cannot be used."""
        return newest_first(load_activeflow(row) for row in self._connection.execute(rows_of(ACTIVEFLOWS, page)))

    def running_by_reference(self, reference_id: Id) -> list[Id]:
        """Return the ids of the activeflows of a reference that are not over, oldest first."""
        return list(self._connection.execute(sql.RUNNING_BY_REFERENCE, {KEY: reference_id}).scalars())

    def lock_by_reference(self, reference_id: Id) -> list[Activeflow]:
        """Return the activeflows of a reference that are not over, newest first, and keep others from changing them."""
        rows = self._connection.execute(self._statements.lock_by_reference, {KEY: reference_id}).all()
        for row in rows:
            self._note_time(row)
        found = newest_first(load_activeflow(row) for row in rows)
        self._locked.update((activeflow.id, activeflow) for activeflow in found)
        return found

    def append_steps(self, activeflow_id: Id, steps: Sequence[Step]) -> None:
        """Append to the history, in one statement."""
        if steps:
            self._connection.execute(sql.INSERT_STEP, [step_columns(activeflow_id, step) for step in steps])

    def get_steps(self, activeflow_ids: Sequence[Id], *, since: int = 0) -> dict[Id, list[Step]]:
        """Return the histories, each from step number `since` on; an unknown id has an empty one."""
        histories: dict[Id, list[Step]] = {activeflow_id: [] for activeflow_id in activeflow_ids}
        if histories:
            rows = self._connection.execute(sql.GET_STEPS, {KEYS: list(histories), SINCE: since})
            for row in sorted(rows, key=attrgetter("seq")):
                histories[row.activeflow_id].append(load_step(row))
        return histories

    def get_trace(self, activeflow_id: Id, *, since: int, until: int) -> list[Step]:
        """Return the steps with these numbers (`until` exclusive), with their details, the first step first."""
        rows = self._connection.execute(sql.GET_TRACE, {KEYS: [activeflow_id], SINCE: since, UNTIL: until})
        return [load_step(row) for row in sorted(rows, key=attrgetter("seq"))]

    def add_messages(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox, in one statement."""
        if messages:
            now = self.now()
            self._connection.execute(sql.INSERT_MESSAGE, [message_columns(message, now) for message in messages])

    def get_answer(self, key: str) -> bytes | None:
        """Return the kept answer to a request."""
        body: bytes | None = self._connection.execute(sql.GET_ANSWER, {KEY: answer_key(key)}).scalar()
        return body

    def add_answer(self, key: str, body: bytes) -> None:
        """Keep the answer to a request. Raises Answered when that request has one."""
        answer = {"request_key": answer_key(key), "body": body}
        try:
            self._connection.execute(self._statements.add_answer, answer)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            raise Answered(key=key) from error

    def _insert_new(self, statement: Insert, columns: Columns) -> None:
        try:
            self._connection.execute(statement, columns)
        except IntegrityError as error:
            if not is_duplicate(error):
                raise
            raise AlreadyExists(id=columns["id"]) from error

    def _row(self, query: Select[Any], key: Id) -> Row[Any] | None:
        return self._connection.execute(query, {KEY: key}).one_or_none()

    def _lock(self, query: Select[Any], key: Id) -> Row[Any] | None:
        row = self._row(query, key)
        if row is not None:
            self._note_time(row)
        return row

    def _note_time(self, row: Row[Any]) -> None:
        # A clock that was put back, or that of another server, must not make a history that runs backwards.
        known = [time for time in (self._now, row.moment, row.tm_update) if time is not None]
        self._now = max(known)
