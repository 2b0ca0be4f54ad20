"""Group commit: threads that change one activeflow each share a transaction, as a database's own log writers do.

A transaction costs two round trips, a commit and a statement for each table, whether for one activeflow or for eight.
The first who comes leads; who comes while enough lead waits for one of them to finish, and the next transaction is for
all who wait. So nobody waits for company, and the busier, the larger the groups. Price: this module and a rule for the
changes (`Alone`). Gain: a third of the database's time for a step at 8 requests in flight, and less of the worker's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.ports import Transaction
from flowmanager.store.prepared import Prepared, Values
from flowmanager.store.session import Session
from flowmanager.store.statements import KEY

LEADERS = 2
"""While the database works for one group, the program works for the other."""
MOST = 16
"""Activeflows of one group: all of them stay locked until it is committed."""

Change = Callable[[Transaction], Any]


class Alone(Exception):
    """This change cannot share a transaction: it needs more than its activeflow, or its group came to nothing."""


@frozen
class Outcome:
    """What came of a change."""

    result: Any = None
    error: Exception | None = None

    def get(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(slots=True, eq=False)
class Member:
    """A change of one activeflow, and what came of it."""

    key: Id
    change: Change
    context: Context = field(default_factory=copy_context)
    """Of its own thread: what it logs and traces tells of its own message."""
    turn: Any = field(default_factory=Lock)
    """Held until it has its outcome, or leads."""
    group: Sequence[Member] = ()
    """Whom it leads."""
    outcome: Outcome | None = None
    """None: it goes alone."""

    def tried(self, transaction: Transaction) -> Outcome:
        """Make the change in a transaction, and return what would come of it."""
        try:
            return Outcome(self.context.run(self.change, transaction))
        except Exception as error:  # noqa: BLE001 (it is raised in its own thread)
            return Outcome(error=error)


class GroupCommit:
    """Brings changes together. Safe to use from several threads."""

    def __init__(self, commit: Callable[[Sequence[Member]], None]) -> None:
        """`commit` makes the changes of a group in one transaction and gives the members their outcomes; one that gets
        none goes alone.
        """
        self._commit = commit
        self._lock = Lock()
        self._waiting: deque[Member] = deque()
        self._leading = 0

    @property
    def waiting(self) -> int:
        """How many changes wait for a group to be finished."""
        return len(self._waiting)

    def run(self, key: Id, change: Change) -> Any:
        """Make a change of an activeflow together with others. Raises what it raises, StoreLost and Alone."""
        member = Member(key, change)
        if not self._leads(member):
            member.turn.acquire()
        if member.group:
            self._lead(member.group)
            # It leads itself, too: only a garbage collection would find what it holds, the whole of a request.
            member.group = ()
        if member.outcome is None:
            raise Alone
        return member.outcome.get()

    def _leads(self, member: Member) -> bool:
        with self._lock:
            if self._leading < LEADERS:
                self._leading += 1
                member.group = (member,)
                return True
            member.turn.acquire()
            self._waiting.append(member)
            return False

    def _lead(self, group: Sequence[Member]) -> None:
        try:
            self._commit(group)
        finally:
            self._hand_over()
            for member in group[1:]:
                member.turn.release()

    def _hand_over(self) -> None:
        """Let those who wait go on, led by the first of them."""
        with self._lock:
            group = self._next()
            if not group:
                self._leading -= 1
                return
        group[0].group = group
        group[0].turn.release()

    def _next(self) -> list[Member]:
        """Take the next group: no two changes of the same activeflow."""
        group: dict[Id, Member] = {}
        left: list[Member] = []
        while self._waiting and len(group) < MOST:
            member = self._waiting.popleft()
            if member.key in group:
                left.append(member)
            else:
                group[member.key] = member
        self._waiting.extendleft(reversed(left))
        return list(group.values())


class Part:
    """What one member does in the transaction of its group: its row has been read, and its writes wait for the rest."""

    def __init__(self, session: Session, lock: Prepared, key: Id, row: Any) -> None:
        """`lock`: the query that locks an activeflow; `row`: what it found."""
        self._session, self._lock, self._key, self._row = session, lock, key, row
        self.alone = False
        """Its change cannot share a transaction."""
        self.changes: list[tuple[Prepared, Values]] = []
        self.insertions: list[tuple[Prepared, Sequence[Values]]] = []

    def read(self, query: Prepared, values: Values) -> list[Any]:
        """Return the rows of a query. Raises Alone when it locks something else, or must see what was written."""
        if query is self._lock and values[KEY] == self._key and not self.changes:
            return [self._row]
        [rows] = self.read_all([query], values)
        return rows

    def read_all(self, queries: Sequence[Prepared], values: Values) -> list[list[Any]]:
        """Return the rows of several queries with the same values. Raises Alone."""
        written = {statement.table for statement, _ in (*self.changes, *self.insertions)}
        if any(query.locks or query.table in written for query in queries):
            self.alone = True
            raise Alone
        return self._session.read_all(queries, values)

    def write(self, statement: Prepared, values: Values, *, taken: Exception | None = None) -> None:
        """Have something written at the end. A key that is taken fails the group, whose members then go alone."""
        del taken
        self.changes.append((statement, values))

    def insert(self, statement: Prepared, rows: Sequence[Values], *, taken: Exception | None = None) -> None:
        """Have rows inserted at the end, together with those of the others."""
        del taken
        self.insertions.append((statement, rows))


def write_all(parts: Iterable[Part], session: Session) -> None:
    """Write what the members of a group have changed: one insertion for each table."""
    tables: dict[str, tuple[Prepared, list[Values]]] = {}
    for part in parts:
        for statement, values in part.changes:
            session.write(statement, values)
        for statement, rows in part.insertions:
            tables.setdefault(statement.text, (statement, []))[1].extend(rows)
    for statement, all_rows in tables.values():
        session.insert(statement, all_rows)
