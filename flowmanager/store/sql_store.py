"""The store on a SQL database: transactions that are run again after a deadlock, and single statements beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar, cast

from sqlalchemy import Column, ColumnElement, Executable, Row, or_, select
from sqlalchemy.exc import SQLAlchemyError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random_exponential

from flowmanager.core.activeflow import State
from flowmanager.core.ids import Id
from flowmanager.errors import Contention, StoreLost
from flowmanager.ports import Message, Purged, Transaction
from flowmanager.store.engine import Engines
from flowmanager.store.faults import translated
from flowmanager.store.group import Alone, GroupCommit, Member, Outcome, Part, write_all
from flowmanager.store.keys import answer_key
from flowmanager.store.moments import moments_of
from flowmanager.store.prepared import Prepared
from flowmanager.store.records import load_message
from flowmanager.store.retention import Retention
from flowmanager.store.session import Session
from flowmanager.store.statements import KEY, KEYS, LIMIT, NUMBERS, deletion, statements_of
from flowmanager.store.tables import activeflows, answers, flows, outbox, workers
from flowmanager.store.transaction import SqlTransaction

Values = Mapping[str, Any]

NO_VALUES: Values = MappingProxyType({})
T = TypeVar("T")

ATTEMPTS = 5
ATTEMPTS_SECONDS = 10.0
"""A lock wait may take 5 s each time: nobody waits for five of them."""
PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.25
ANSWER_SECONDS = 600.0
DEAD_WORKER_SECONDS = timedelta(hours=1).total_seconds()


class SqlStore:
    """Store and upkeep on MySQL, MariaDB or SQLite. Safe to use from several threads; make one per process."""

    def __init__(self, engines: Engines, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._engines = engines
        self._of_transactions = engines.lines[engines.transactions]
        self._of_statements = engines.lines[engines.statements]
        self._dialect = engines.transactions.dialect
        self._moments = moments_of(self._dialect)
        self._statements = statements_of(self._dialect, answer_seconds=answer_seconds)
        self._groups = None if self._dialect.name == "sqlite" else GroupCommit(self._together)
        self._again = Retrying(
            retry=retry_if_exception_type(Contention),
            stop=stop_after_attempt(ATTEMPTS - 1) | stop_after_delay(ATTEMPTS_SECONDS),
            wait=wait_random_exponential(multiplier=PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS),
            reraise=True,
        )

    def run(self, work: Callable[[Transaction], T], *, on: Id | None = None) -> T:
        """Run `work` in one transaction: commit when it returns, roll back when it raises.

        It is run again after a deadlock or a lock wait that ran out, so it must not have effects of its own.
        Raises Contention when that happens too often, StoreLost when the connection breaks.

        `on`: the one activeflow that it locks, first of all; such transactions of several threads become one.
        """
        if on is not None and self._groups is not None:
            try:
                return cast(T, self._groups.run(on, work))
            except Alone:
                pass
        return cast(T, self._persist(self._attempt, work))

    def look(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads, without a transaction: each read sees what is committed by then."""
        return cast(T, self._persist(self._glance, work))

    @property
    def waiting(self) -> int:
        """How many transactions wait to be run together."""
        return self._groups.waiting if self._groups else 0

    def get_answer(self, key: str) -> bytes | None:
        """Return the kept answer to a request."""
        rows = self._alone(self._statements.get_answer, {KEY: answer_key(key)})
        return rows[0].body if rows else None

    def unpublished(self, activeflow_ids: Sequence[Id]) -> list[Message]:
        """Return the outbox messages of these records in commit order."""
        if not activeflow_ids:
            return []
        rows = self._alone(self._statements.unpublished, {KEYS: activeflow_ids})
        return [load_message(row) for row in sorted(rows, key=attrgetter("seq"))]

    def published(self, messages: Sequence[Message]) -> None:
        """Take messages that were read from the outbox out of it."""
        if messages:
            values = {NUMBERS: [one.number for one in messages], KEYS: [one.id for one in messages]}
            self._alone(self._statements.published, values)

    def heartbeat(self, worker_id: Id) -> None:
        """Say that this worker process lives."""
        self._execute(self._statements.heartbeat, {KEY: worker_id})

    def due(self, *, limit: int) -> list[Id]:
        """Return activeflows whose wait has passed its deadline, the longest passed first."""
        return [row.id for row in self._alone(self._statements.due, {LIMIT: limit})]

    def orphans(self, *, seconds: float, limit: int) -> list[tuple[Id, Id | None]]:
        """Return activeflows that are executing while their owner gave no heartbeat for so long, or never any."""
        owners = activeflows.outerjoin(workers, workers.c.id == activeflows.c.owner)
        silent = or_(workers.c.id.is_(None), workers.c.tm_heartbeat <= self._moments.after(-seconds))
        executing = activeflows.c.state == State.EXECUTING.value
        query = select(activeflows.c.id, activeflows.c.owner).select_from(owners).where(executing, silent).limit(limit)
        return [(row.id, row.owner) for row in self._execute(query)]

    def late_messages(self, *, seconds: float, limit: int) -> list[Message]:
        """Return outbox messages that have waited so long, in commit order."""
        late = outbox.c.tm_create <= self._moments.after(-seconds)
        query = select(outbox).where(late).order_by(outbox.c.seq).limit(limit)
        return [load_message(row) for row in self._execute(query)]

    def purge(self, *, limit: int) -> int:
        """Delete expired answers, temporary flows and dead workers' rows, up to `limit` of each; return how many."""
        now = self._moments.here()
        silent = workers.c.tm_heartbeat <= self._moments.after(-DEAD_WORKER_SECONDS)
        return (
            self._delete_some(answers.c.request_key, answers.c.tm_expire <= now, limit)
            + self._delete_some(flows.c.id, flows.c.tm_expire <= now, limit)
            + self._delete_some(workers.c.id, silent, limit)
        )

    def purge_ended(self, *, seconds: float, limit: int) -> Purged:
        """Delete up to `limit` activeflows that ended so long ago, with their histories; see the port Upkeep."""
        return self._again(self._purge_ended, Retention(self._moments, seconds), limit)

    def count_ended(self, *, seconds: float) -> Purged:
        """Count what `purge_ended` deletes when it is called until nothing is left; see Retention.count."""
        [row] = self._execute(Retention(self._moments, seconds).count())
        return Purged(activeflows=row.number, steps=int(row.steps))

    def close(self) -> None:
        """Close all connections."""
        self._engines.dispose()

    def _persist(self, act: Callable[..., T], *arguments: Any) -> T:
        try:
            # Not by way of the retries: they take as long as a statement.
            return act(*arguments)
        except Contention:
            return self._again(act, *arguments)

    def _attempt(self, work: Callable[[Transaction], T]) -> T:
        with translated(), closing(Session(self._of_transactions, self._engines.heard)) as session:
            try:
                result = work(SqlTransaction(session, self._statements, self._dialect))
                session.commit()
            except BaseException:
                session.rollback()
                raise
            return result

    def _together(self, members: Sequence[Member]) -> None:
        """Make the changes of a group in one transaction; whoever cannot share it is left without an outcome."""
        try:
            with translated(), closing(Session(self._of_transactions, self._engines.heard)) as session:
                try:
                    outcomes = self._tried(members, session)
                    session.commit()
                except BaseException:
                    session.rollback()
                    raise
        except Contention:
            return
        except StoreLost as lost:
            # Nobody knows whether it was committed: to make the changes again is for those who can find out.
            outcomes = dict.fromkeys(members, Outcome(error=lost))
        except Exception:  # noqa: BLE001 (whose fault it is shows when each goes alone)
            return
        for member, outcome in outcomes.items():
            member.outcome = outcome

    def _tried(self, members: Sequence[Member], session: Session) -> dict[Member, Outcome]:
        """Make the changes of those members whose activeflow nobody else has locked, as one; not committed yet."""
        rows = {row.id: row for row in session.read(self._statements.lock_free, {KEYS: [one.key for one in members]})}
        outcomes, parts = {}, []
        for member in members:
            if member.key not in rows:
                continue
            part = Part(session, self._statements.lock_activeflow, member.key, rows[member.key])
            outcome = member.tried(SqlTransaction(part, self._statements, self._dialect))
            if isinstance(outcome.error, SQLAlchemyError | Contention):
                raise outcome.error
            if part.alone:
                continue
            outcomes[member] = outcome
            if outcome.error is None:
                parts.append(part)
        write_all(parts, session)
        return outcomes

    def _glance(self, work: Callable[[Transaction], T]) -> T:
        with translated(), closing(Session(self._of_statements, self._engines.heard, alone=True)) as session:
            return work(SqlTransaction(session, self._statements, self._dialect))

    def _alone(self, statement: Prepared, values: Values) -> Sequence[Any]:
        return self._persist(self._glance_at, statement, values)

    def _glance_at(self, statement: Prepared, values: Values) -> Sequence[Any]:
        with translated(), closing(Session(self._of_statements, self._engines.heard, alone=True)) as session:
            return session.read(statement, values)

    def _purge_ended(self, retention: Retention, limit: int) -> Purged:
        with translated(), self._engines.transactions.begin() as connection:
            return retention.purge(connection, limit)

    def _execute(self, statement: Executable, values: Values = NO_VALUES) -> Sequence[Row[Any]]:
        return self._persist(self._single, statement, values)

    def _single(self, statement: Executable, values: Values) -> Sequence[Row[Any]]:
        with translated(), self._engines.statements.connect() as connection:
            result = connection.execute(statement, values)
            return result.all() if result.returns_rows else ()

    def _delete_some(self, key: Column[Any], condition: ColumnElement[bool], limit: int) -> int:
        # By key and in key order, so that no range is locked; a worker that is back in between keeps its row.
        keys = [row[0] for row in self._execute(select(key).where(condition).limit(limit))]
        if keys:
            self._execute(deletion(key.table).where(key.in_(sorted(keys)), condition))
        return len(keys)
