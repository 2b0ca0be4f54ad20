"""Connection pools. What a session needs is set once per connection, so that a transaction costs no round trip more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial
from types import MappingProxyType
from typing import Any

import orjson
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions
from sqlalchemy import URL, Connection, Dialect, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from flowmanager.core.frozen import frozen
from flowmanager.store.columns import dump_json, moment_of
from flowmanager.store.driver import RememberingConnection
from flowmanager.store.dsn import normalize
from flowmanager.store.encryption import TLS_PARAMETERS, encryption
from flowmanager.store.faults import code_of, is_lost
from flowmanager.store.lines import Lines

LOCK_SECONDS = 5
"""How long a statement waits for a lock before the transaction is run again."""
CONNECT_SECONDS = 5
RECYCLE_SECONDS = 1800
"""Below the idle limits of common proxies and firewalls, which drop connections without a word."""
STATEMENT_SECONDS = 15.0
"""Longer than a lock wait: a server that is silent for longer is taken for dead."""

AUTOCOMMIT = MappingProxyType({"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True})
MYSQL_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_SECONDS},"
    " sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
)
SQLITE_SESSION = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
)


CONVERSIONS = {
    **conversions,
    FIELD_TYPE.DATETIME: moment_of,
    FIELD_TYPE.TIMESTAMP: moment_of,
}
"""The driver reads times by a pattern, which takes ten times longer; sessions are in UTC."""


@frozen
class Engines:
    """Two pools on one database: one for transactions, one on which each statement commits by itself.

    A connection that changed its mode between the two would pay a round trip for it.
    """

    transactions: Engine
    statements: Engine
    heard: list[Callable[[Sequence[str]], None]] = field(default_factory=list)
    """They are told the statements of each round trip, for tests and tools."""
    lines: dict[Engine, Lines] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.lines.update((engine, Lines(engine)) for engine in {self.transactions, self.statements})

    def rest(self) -> None:
        """Give the connections that are at hand back to their pools."""
        for lines in self.lines.values():
            lines.rest()

    def dispose(self) -> None:
        """Close all connections."""
        self.rest()
        self.transactions.dispose()
        self.statements.dispose()


def make_engines(
    dsn: str, *, pool_size: int = 5, pool_seconds: float = 10.0, statement_seconds: float = STATEMENT_SECONDS
) -> Engines:
    """Return both pools, each of up to `pool_size` connections. Nothing is connected yet. Raises InvalidSetting."""
    make = partial(
        make_engine, dsn, pool_size=pool_size, pool_seconds=pool_seconds, statement_seconds=statement_seconds
    )
    return Engines(make(), make(autocommit=True))


def make_engine(
    dsn: str,
    *,
    pool_size: int = 5,
    pool_seconds: float = 10.0,
    statement_seconds: float = STATEMENT_SECONDS,
    autocommit: bool = False,
) -> Engine:
    """Return a pool of connections. Raises InvalidSetting.

    `pool_seconds`: how long to wait for a free connection; `statement_seconds`: how long MySQL may be silent.
    """
    url = make_url(normalize(dsn))
    is_file = url.get_backend_name() == "sqlite"
    modes: Mapping[str, Any] = AUTOCOMMIT if autocommit and not is_file else {}
    engine = create_engine(
        url.difference_update_query(["tls", *TLS_PARAMETERS]),
        connect_args=sqlite_arguments() if is_file else mysql_arguments(url, statement_seconds),
        json_serializer=dump_json,
        json_deserializer=orjson.loads,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_seconds,
        pool_recycle=RECYCLE_SECONDS,
        # Every transaction is ended by the one who began it; a second rollback would be a round trip for nothing.
        pool_reset_on_return=None,
        # Marks by position, which the driver fills in without a dict.
        paramstyle="qmark" if is_file else "format",
        **modes,
    )
    prepare_sessions(engine, SQLITE_SESSION if is_file else MYSQL_SESSION)
    if is_file and not autocommit:
        event.listen(engine, "begin", begin_immediate)
    if not is_file:
        event.listen(engine, "do_connect", connect_mysql)
    event.listen(engine, "handle_error", give_up_lost)
    return engine


def connect_mysql(
    _dialect: Dialect, _entry: ConnectionPoolEntry, positional: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """Open a connection of the driver."""
    return RememberingConnection(*positional, **named)


def mysql_arguments(url: URL, statement_seconds: float) -> Mapping[str, Any]:
    """Return the driver's limits in seconds, and its encryption."""
    limits = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": statement_seconds,
        "write_timeout": statement_seconds,
        # All writes of a transaction and its commit go in one packet. Values are written by their columns' types alone.
        "client_flag": CLIENT.MULTI_STATEMENTS,
        "conv": CONVERSIONS,
    }
    return {**limits, **encryption({key: str(value) for key, value in url.query.items()})}


def sqlite_arguments() -> Mapping[str, Any]:
    """Return the arguments with which sqlite3 neither begins transactions by itself nor minds threads."""
    return {"isolation_level": None, "check_same_thread": False, "timeout": LOCK_SECONDS}


def prepare_sessions(engine: Engine, statements: tuple[str, ...]) -> None:
    """Run the statements once on each new connection."""

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine, "connect", prepare)


def begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock at once: a transaction that asks for it later may be refused without a wait."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def give_up_lost(context: ExceptionContext) -> None:
    """Have all pooled connections replaced when one shows that the server has gone or became read-only."""
    error = context.sqlalchemy_exception
    if isinstance(error, DBAPIError) and code_of(error) and is_lost(error):
        context.is_disconnect = True
