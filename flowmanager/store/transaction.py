"""One database transaction: locks tell the time in the same statement, and writes touch only what changed.

Writes wait in the session and go to the server together: what fails in them, such as a key that is taken, may show as
late as at the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import Dialect, Select

from flowmanager.core.activeflow import Activeflow, Stamp, Step
from flowmanager.core.flow import Flow
from flowmanager.core.ids import Id
from flowmanager.errors import AlreadyExists, Answered
from flowmanager.ports import Message, Page
from flowmanager.store.keys import answer_key
from flowmanager.store.pages import ACTIVEFLOWS, FLOWS, newest_first, rows_of
from flowmanager.store.prepared import Prepared, prepare
from flowmanager.store.records import (
    activeflow_columns,
    changed_columns,
    flow_columns,
    load_activeflow,
    load_flow,
    load_step,
    message_columns,
    step_columns,
)
from flowmanager.store.session import Desk
from flowmanager.store.statements import KEY, KEYS, SINCE, UNTIL, Statements

TICK = timedelta(microseconds=1)
"""The least by which times of the database differ."""


class SqlTransaction:
    """The operations on one connection; the store commits and rolls back."""

    def __init__(self, session: Desk, statements: Statements, dialect: Dialect) -> None:
        self._session, self._statements, self._dialect = session, statements, dialect
        self._now: datetime | None = None
        self._locked: dict[Id, Activeflow] = {}

    def now(self) -> datetime:
        """Return the database's time (UTC) as of the latest lock or read of a record, else ask for it once.

        It is later than the latest change of every record that this transaction has locked.
        """
        if self._now is None:
            [row] = self._session.read(self._statements.now, {})
            self._now = row.moment
        return self._now

    def insert_flow(self, flow: Flow) -> None:
        """Store a new flow. Raises AlreadyExists, at the commit at the latest."""
        self._session.write(self._statements.insert_flow, flow_columns(flow), taken=AlreadyExists(id=flow.id))

    def get_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow, deleted and temporary ones too, but not expired ones."""
        row = self._row(self._statements.get_flow, flow_id)
        return load_flow(row) if row is not None else None

    def lock_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow, unless it has expired, and keep others from changing it until the transaction ends."""
        row = self._row(self._statements.lock_flow, flow_id, anew=True)
        return load_flow(row) if row is not None else None

    def update_flow(self, flow: Flow) -> None:
        """Store a changed flow."""
        self._session.write(self._statements.update_flow, {KEY: flow.id, **flow_columns(flow)})

    def list_flows(self, page: Page) -> list[Flow]:
        """Return stored (not temporary) flows. Raises InvalidRequest for a token or filter that cannot be used."""
        return newest_first(load_flow(row) for row in self._listed(rows_of(FLOWS, page)))

    def count_flows(self, customer_id: Id) -> int:
        """Count the stored flows of a customer that are not deleted."""
        [row] = self._session.read(self._statements.count_flows, {KEY: customer_id})
        count: int = row.number
        return count

    def insert_activeflow(self, activeflow: Activeflow) -> None:
        """Store a new activeflow; it counts as locked. Raises AlreadyExists, at the commit at the latest."""
        columns = activeflow_columns(activeflow)
        self._session.write(self._statements.insert_activeflow, columns, taken=AlreadyExists(id=activeflow.id))
        self._locked[activeflow.id] = activeflow

    def get_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow without locking it."""
        row = self._row(self._statements.get_activeflow, activeflow_id)
        return load_activeflow(row) if row is not None else None

    def get_with_steps(self, activeflow_id: Id) -> tuple[Activeflow, list[Step]] | None:
        """Return an activeflow with its history."""
        queries = (self._statements.get_activeflow, self._statements.get_steps)
        rows, steps = self._session.read_all(queries, {KEY: activeflow_id, KEYS: [activeflow_id], SINCE: 0})
        if not rows:
            return None
        self._note_time(rows[0])
        found = load_activeflow(rows[0])
        # A step may have been committed between the two queries.
        known = (load_step(step) for step in steps if step.seq < found.executed_count)
        return found, sorted(known, key=attrgetter("seq"))

    def unchanged(self, activeflow_id: Id, stamp: Stamp) -> bool:
        """Say whether an activeflow still has these times. Each change has a later time than the one before."""
        rows = self._session.read(self._statements.get_stamp, {KEY: activeflow_id})
        return bool(rows) and (rows[0].tm_create, rows[0].tm_update) == stamp

    def lock_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow and keep others from changing it until the transaction ends."""
        row = self._row(self._statements.lock_activeflow, activeflow_id, anew=True)
        if row is None:
            return None
        self._locked[activeflow_id] = load_activeflow(row)
        return self._locked[activeflow_id]

    def save_activeflow(self, activeflow: Activeflow) -> None:
        """Store a changed activeflow that was locked or inserted in this transaction; only what changed is written."""
        columns = changed_columns(self._locked[activeflow.id], activeflow)
        if columns:
            change = self._statements.update_activeflow.of(columns)
            self._session.write(change, {KEY: activeflow.id, **columns})
        self._locked[activeflow.id] = activeflow

    def list_activeflows(self, page: Page) -> list[Activeflow]:
        """Return activeflows. Raises InvalidRequest for a token or filter that cannot be used."""
        return newest_first(load_activeflow(row) for row in self._listed(rows_of(ACTIVEFLOWS, page)))

    def running_by_reference(self, reference_id: Id) -> list[Id]:
        """Return the ids of the activeflows of a reference that are not over, oldest first."""
        return [row.id for row in self._session.read(self._statements.running_by_reference, {KEY: reference_id})]

    def lock_by_reference(self, reference_id: Id) -> list[Activeflow]:
        """Return the activeflows of a reference that are not over, newest first, and keep others from changing them."""
        rows = self._session.read(self._statements.lock_by_reference, {KEY: reference_id})
        for row in rows:
            self._note_time(row)
        found = newest_first(load_activeflow(row) for row in rows)
        self._locked.update((activeflow.id, activeflow) for activeflow in found)
        return found

    def append_steps(self, activeflow_id: Id, steps: Sequence[Step]) -> None:
        """Append to the history, in one statement."""
        self._session.insert(self._statements.insert_step, [step_columns(activeflow_id, step) for step in steps])

    def get_steps(self, activeflow_ids: Sequence[Id], *, since: int = 0) -> dict[Id, list[Step]]:
        """Return the histories, each from step number `since` on; an unknown id has an empty one."""
        histories: dict[Id, list[Step]] = {activeflow_id: [] for activeflow_id in activeflow_ids}
        if histories:
            rows = self._session.read(self._statements.get_steps, {KEYS: list(histories), SINCE: since})
            for row in sorted(rows, key=attrgetter("seq")):
                histories[row.activeflow_id].append(load_step(row))
        return histories

    def get_trace(self, activeflow_id: Id, *, since: int, until: int) -> list[Step]:
        """Return the steps with these numbers (`until` exclusive), with their details, the first step first."""
        rows = self._session.read(self._statements.get_trace, {KEYS: [activeflow_id], SINCE: since, UNTIL: until})
        return [load_step(row) for row in sorted(rows, key=attrgetter("seq"))]

    def add_messages(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox, in one statement."""
        if messages:
            now = self.now()
            self._session.insert(
                self._statements.insert_message, [message_columns(message, now) for message in messages]
            )

    def get_answer(self, key: str) -> bytes | None:
        """Return the kept answer to a request."""
        rows = self._session.read(self._statements.get_answer, {KEY: answer_key(key)})
        return rows[0].body if rows else None

    def add_answer(self, key: str, body: bytes) -> None:
        """Keep the answer to a request. Raises Answered when that request has one, at the commit at the latest."""
        answer = {"request_key": answer_key(key), "body": body}
        self._session.insert(self._statements.add_answer, [answer], taken=Answered(key=key))

    def _row(self, query: Prepared, key: Id, *, anew: bool = False) -> Any:
        """Return a row; `anew`: its time is later than that of an earlier read."""
        rows = self._session.read(query, {KEY: key})
        if rows and (anew or self._now is None):
            self._note_time(rows[0])
        return rows[0] if rows else None

    def _note_time(self, row: Any) -> None:
        # A clock that was put back, or that of another server, must not make a history that runs backwards, nor give
        # two changes of a record the same time, by which they are told apart.
        later = row.moment if row.tm_update is None else max(row.moment, row.tm_update + TICK)
        self._now = later if self._now is None else max(later, self._now)

    def _listed(self, query: Select[Any]) -> Iterable[Any]:
        # Built for each list: it has other conditions each time.
        return self._session.read(prepare(query, self._dialect), {})
