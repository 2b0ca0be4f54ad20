"""Whom the doctor looks at: settings, and connections to the servers that they name, on which nothing is changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from sqlalchemy import URL, Connection, Engine, NullPool, Row, create_engine, func, make_url, select, text

from flowmanager.core.frozen import frozen
from flowmanager.errors import BrokerLost, StoreLost
from flowmanager.settings import Settings
from flowmanager.store.dsn import normalize
from flowmanager.store.engine import make_engine
from flowmanager.store.faults import translated
from flowmanager.store.moments import moments_of
from flowmanager.store.tables import workers
from flowmanager.transport.connection import is_embedded
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session

STATEMENT_SECONDS = 5.0
REFUSALS = (403, 404, 406, 503)
"""Not permitted, not there, other than it was declared, not known. Other numbers mean that the broker goes away."""


@frozen(kw_only=True)
class Patient:
    """What is looked at. Methods raise StoreLost and BrokerLost."""

    settings: Settings
    environment: Mapping[str, str]
    """Where the settings came from."""
    processes: int = 1
    """How many worker processes there are to be, on all machines."""

    @property
    def names(self) -> Names:
        """The names on the broker."""
        return Names(self.settings.queue_prefix)

    @property
    def has_broker(self) -> bool:
        """Whether messages go through RabbitMQ."""
        return not is_embedded(self.settings.rabbitmq_address)

    @property
    def database_url(self) -> URL:
        """Where the database is. Raises InvalidSetting."""
        return make_url(normalize(self.settings.database_dsn))

    @property
    def has_mysql(self) -> bool:
        """Whether the database is a server."""
        return self.database_url.get_backend_name() != "sqlite"

    @property
    def database_place(self) -> str:
        """Where the database is, for people: never with the password."""
        url = self.database_url
        return f"{url.database} on {url.host}:{url.port or 3306}" if self.has_mysql else str(url.database)

    @property
    def broker_place(self) -> str:
        """Where the broker is, for people: never with the password."""
        parts = urlsplit(self.settings.rabbitmq_address)
        return f"{parts.hostname}:{parts.port or (5671 if parts.scheme == 'amqps' else 5672)}"

    @property
    def virtual_host(self) -> str:
        """The virtual host on the broker."""
        return unquote(urlsplit(self.settings.rabbitmq_address).path[1:]) or "/"

    def engine(self) -> Engine:
        """Return connections to the database, on which each statement stands for itself."""
        if self.has_mysql:
            dsn = self.settings.database_dsn
            return make_engine(dsn, pool_size=1, statement_seconds=STATEMENT_SECONDS, autocommit=True)
        return reading_engine(Path(str(self.database_url.database)))

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """Give a connection for the length of a block."""
        engine = self.engine()
        try:
            with translated(), engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def row(self, statement: str, **values: Any) -> Row[Any]:
        """Return the first row of a query that has one."""
        with self.database() as connection:
            return connection.execute(text(statement), values).one()

    def living_workers(self) -> int:
        """Return how many processes gave a heartbeat of late."""
        with self.database() as connection:
            fresh = workers.c.tm_heartbeat > moments_of(connection.dialect).after(-self.settings.orphan_seconds)
            return int(connection.execute(select(func.count()).select_from(workers).where(fresh)).scalar_one())

    def variables(self, *names: str) -> dict[str, str]:
        """Return variables of MySQL as this session has them; those that it does not know are left out."""
        listed = ", ".join(f"'{name}'" for name in names)
        with self.database() as connection:
            rows = connection.exec_driver_sql(f"SHOW VARIABLES WHERE Variable_name IN ({listed})").all()
        return {str(name): str(value) for name, value in rows}

    @contextmanager
    def broker(self) -> Iterator[Session]:
        """Give a connection to the broker for the length of a block."""
        with closing(Session(self.settings.rabbitmq_address, heartbeat=0)) as session:
            yield session

    def refusal(self, attempt: Any) -> BrokerLost | None:
        """Return how the broker refuses what `attempt` does with a session and a channel of its own; None: not."""
        with self.broker() as session:
            try:
                with session.guard():
                    attempt(session, session.channel())
            except BrokerLost as lost:
                if code_of(lost) in REFUSALS:
                    return lost
                raise
        return None


def code_of(lost: BrokerLost) -> int:
    """Return AMQP's number of a refusal, 0 for a connection that broke."""
    code = getattr(lost.__cause__, "code", 0)
    return code if isinstance(code, int) else 0


def reading_engine(path: Path) -> Engine:
    """Return connections to an SQLite file that cannot change it. Raises StoreLost when there is none."""
    if not path.exists():
        raise StoreLost("there is no such file", path=str(path))
    place = f"file:{quote(str(path))}?mode=ro"
    return create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(place, uri=True, isolation_level=None), poolclass=NullPool
    )
