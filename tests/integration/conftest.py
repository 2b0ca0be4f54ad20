"""Desks for the behaviour tests: on SQLite and on MySQL, without rows, on connections that are kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from flowmanager.store.engine import Engines, make_engines
from flowmanager.store.migrate import migrate
from flowmanager.store.sql_store import SqlStore
from tests.desk import Desk, clear
from tests.services import Services, private_database

PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)

__all__ = ["desk", "desk_engines", "mysql_desk", "mysql_engines", "sqlite_engines"]


@pytest.fixture(autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """Log faults without the values of all variables: to print a whole desk takes seconds."""
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, PLAIN])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def sqlite_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """An SQLite file with all tables."""
    yield from migrated(f"sqlite:///{tmp_path_factory.mktemp('desk')}/desk.db")


@pytest.fixture(scope="session")
def mysql_engines(services: Services) -> Iterator[Engines]:
    """A MySQL database with all tables."""
    with private_database(services.database_dsn) as dsn:
        yield from migrated(dsn)


@pytest.fixture(params=["sqlite", "mysql"])
def desk_engines(request: pytest.FixtureRequest) -> Engines:
    """A database of each kind."""
    found: Engines = request.getfixturevalue(f"{request.param}_engines")
    return found


@pytest.fixture
def desk(desk_engines: Engines) -> Iterator[Desk]:
    """A worker on an empty database."""
    yield from desk_on(desk_engines)


@pytest.fixture
def mysql_desk(mysql_engines: Engines) -> Iterator[Desk]:
    """A worker on an empty MySQL database."""
    yield from desk_on(mysql_engines)


def desk_on(engines: Engines) -> Iterator[Desk]:
    clear(engines)
    yield Desk(SqlStore(engines), engines)
    engines.rest()
    checked_out = [engine.pool.checkedout() for engine in (engines.transactions, engines.statements)]  # type: ignore[attr-defined]  # both are queue pools
    assert checked_out == [0, 0]


def migrated(dsn: str) -> Iterator[Engines]:
    engines = make_engines(dsn, pool_size=10)
    migrate(engines.transactions)
    yield engines
    engines.dispose()
