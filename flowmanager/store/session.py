"""One connection while a transaction, or a single statement, needs it: writes wait and go to the server together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from pymysql.constants import CR
from pymysql.err import MySQLError, OperationalError
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from flowmanager.core.frozen import frozen
from flowmanager.store.faults import is_duplicate, is_lost
from flowmanager.store.lines import Lines
from flowmanager.store.prepared import Prepared, Values, size_of

BATCH_CHARACTERS = 1_000_000
"""Writes of more than this go to the server by themselves: it refuses packets above a limit (16 MB on MariaDB)."""

Heard = Callable[[Sequence[str]], None]


@frozen
class Statement:
    """A statement that waits: its text with values, and what to raise when its key is taken."""

    text: str
    arguments: Sequence[Any]
    taken: Exception | None = None
    reads: bool = False
    """Has rows as its result."""


class Desk(Protocol):
    """Where a transaction reads and writes."""

    def read(self, query: Prepared, values: Values) -> list[Any]:
        """Return the rows of a query."""
        ...

    def read_all(self, queries: Sequence[Prepared], values: Values) -> list[list[Any]]:
        """Return the rows of several queries with the same values."""
        ...

    def write(self, statement: Prepared, values: Values, *, taken: Exception | None = None) -> None:
        """Have something written at the end of the transaction at the latest; `taken` is raised when its key is."""
        ...

    def insert(self, statement: Prepared, rows: Sequence[Values], *, taken: Exception | None = None) -> None:
        """Have rows inserted, in the same way."""
        ...


class Session:
    """The statements of one connection. Writes wait until a read needs them or the transaction ends."""

    def __init__(self, lines: Lines, heard: Sequence[Heard], *, alone: bool = False) -> None:
        """Take a connection. `heard` are told the statements of each round trip.

        `alone`: each statement commits by itself.
        """
        self._lines, self._heard, self._alone = lines, heard, alone
        self._engine = engine = lines.engine
        self._writes: list[Statement] = []
        self._characters = 0
        self._used = False
        try:
            self._line = lines.take()
        except engine.dialect.loaded_dbapi.Error as error:
            raise failure_of(engine, error, gone=True) from error
        self._cursor: Any = self._line.connection.cursor()
        self._driver = run_each if engine.dialect.name == "sqlite" else run_together

    def read(self, query: Prepared, values: Values) -> list[Any]:
        """Return the rows of a query; what waits is written in the same round trip."""
        [rows] = self.read_all([query], values)
        return rows

    def read_all(self, queries: Sequence[Prepared], values: Values) -> list[list[Any]]:
        """Return the rows of several queries with the same values, in one round trip."""
        found = self._send([Statement(*query.with_values(values), reads=True) for query in queries])
        return [query.rows(rows) for query, rows in zip(queries, found, strict=True)]

    def write(self, statement: Prepared, values: Values, *, taken: Exception | None = None) -> None:
        """Have something written before the next read, at the latest when the transaction ends."""
        text, arguments = statement.with_values(values)
        self._add(Statement(text, arguments, taken), size_of(arguments))

    def insert(self, statement: Prepared, rows: Sequence[Values], *, taken: Exception | None = None) -> None:
        """Have rows inserted before the next read, at the latest when the transaction ends."""
        for text, arguments, size in statement.with_rows(rows, limit=BATCH_CHARACTERS):
            self._add(Statement(text, arguments, taken), size)

    def _add(self, statement: Statement, size: int) -> None:
        if self._characters + size > BATCH_CHARACTERS:
            self.flush()
        self._writes.append(statement)
        self._characters += size
        if size > BATCH_CHARACTERS:
            self.flush()

    def commit(self) -> None:
        """Write what waits and commit, in one round trip; a session that did nothing has nothing to commit."""
        if self._used or self._writes:
            self._send([Statement("COMMIT", ())])

    def flush(self) -> None:
        """Write what waits."""
        if self._writes:
            self._send()

    def rollback(self) -> None:
        """Undo what was done; a connection on which that fails is not used again, as it may hold locks."""
        self._writes.clear()
        if not self._used:
            return
        try:
            self._send([Statement("ROLLBACK", ())])
        except DBAPIError as error:
            if self._used:
                self._line.connection.invalidate(error)

    def close(self) -> None:
        """Give the connection back."""
        self._cursor.close()
        self._lines.give(self._line)

    def _send(self, more: Sequence[Statement] = ()) -> list[Sequence[Any]]:
        """Make one round trip; return the rows of the statements that read."""
        statements = [*self._writes, *more]
        self._writes, self._characters = [], 0
        for heard in self._heard:
            heard([one.text for one in statements])
        begins, self._used = not (self._used or self._alone), True
        run = Run(self._cursor, statements)
        try:
            self._driver(run, begins)
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise self._failure(error, statements[run.done]) from error
        return run.rows

    def _failure(self, error: Exception, failed: Statement) -> Exception:
        """Return what to raise for the driver's error; when the server has gone, all pooled connections go too."""
        dialect = self._engine.dialect
        gone = dialect.is_disconnect(cast(Any, error), self._line.connection, self._cursor)
        known = failure_of(self._engine, error, failed.text, gone=gone)
        if is_lost(known):
            self._used = False
            self._line.connection.invalidate(error)
            self._engine.dispose()
        if failed.taken and isinstance(known, IntegrityError) and is_duplicate(known):
            return failed.taken
        return known


def failure_of(engine: Engine, error: Exception, text: str | None = None, *, gone: bool) -> DBAPIError:
    """Return a driver's error in the form that is the same for all drivers, without the values of its statement."""
    base = engine.dialect.loaded_dbapi.Error
    known = DBAPIError.instance(text, None, error, base, hide_parameters=True, connection_invalidated=gone)
    return cast(DBAPIError, known)


@dataclass(slots=True)
class Run:
    """Statements on their way to the server."""

    cursor: Any
    statements: Sequence[Statement]
    done: int = 0
    """How many of them are done: the number of the one that failed."""
    rows: list[Sequence[Any]] = field(default_factory=list)
    """What those that read have found."""

    def note(self) -> None:
        """One more is done."""
        if self.statements[self.done].reads:
            self.rows.append(self.cursor.fetchall())
        self.done += 1


def run_together(run: Run, _begins: bool) -> None:
    """Send all statements in one packet, as MySQL can; a transaction begins with the first of them by itself."""
    texts = [one.text % tuple(one.arguments) for one in run.statements]
    with understood():
        run.cursor.execute("; ".join(texts))
        run.note()
        while run.done < len(texts):
            run.cursor.nextset()
            run.note()


@contextmanager
def understood() -> Iterator[None]:
    """Take what the driver cannot make sense of for a lost connection: nobody knows then what the server has done, and
    what comes next may be the answer to something else. What the server itself says has a number.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, MySQLError) and error.args and isinstance(error.args[0], int):
            raise
        raise OperationalError(CR.CR_COMMANDS_OUT_OF_SYNC, f"an answer makes no sense: {error!r}") from error


def run_each(run: Run, begins: bool) -> None:
    """Run one statement after the other, as SQLite must."""
    if begins:
        # At once: a transaction that asks for the write lock later may be refused without a wait.
        run.cursor.execute("BEGIN IMMEDIATE")
    for one in run.statements:
        run.cursor.execute(one.text, one.arguments)
        run.note()
