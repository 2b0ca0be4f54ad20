"""The store on each kind of database: one suite for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import QueuePool

from flowmanager.store.engine import Engines, make_engines
from flowmanager.store.migrate import migrate
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import metadata
from tests.services import Services, private_database


@pytest.fixture(scope="session")
def sqlite_dsn(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SQLite file with all tables."""
    return migrated(f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db")


@pytest.fixture(scope="session")
def mysql_dsn(services: Services) -> Iterator[str]:
    """A MySQL database with all tables."""
    with private_database(services.database_dsn) as dsn:
        yield migrated(dsn)


@pytest.fixture(scope="session", params=["sqlite", "mysql"])
def store_dsn(request: pytest.FixtureRequest) -> str:
    """A database of each kind."""
    dsn: str = request.getfixturevalue(f"{request.param}_dsn")
    return dsn


@pytest.fixture(scope="session")
def shared_engines(store_dsn: str) -> Iterator[Engines]:
    """Connections that are kept from test to test: to open one takes longer than most tests."""
    made = make_engines(store_dsn, pool_size=10)
    yield made
    made.dispose()


@pytest.fixture
def engines(shared_engines: Engines) -> Iterator[Engines]:
    """Connections to a database without rows; the test must give all of them back."""
    clear(shared_engines)
    yield shared_engines
    assert checked_out(shared_engines) == [0, 0]


@pytest.fixture
def store(engines: Engines) -> SqlStore:
    """A store without rows."""
    return SqlStore(engines)


@pytest.fixture
def mysql_engines(mysql_dsn: str) -> Iterator[Engines]:
    """Connections of the test's own to a MySQL database without rows."""
    made = make_engines(mysql_dsn, pool_size=5)
    clear(made)
    yield made
    assert checked_out(made) == [0, 0]
    made.dispose()


@pytest.fixture
def mysql_store(mysql_engines: Engines) -> SqlStore:
    """A store on MySQL whose connections may be broken."""
    return SqlStore(mysql_engines)


def migrated(dsn: str) -> str:
    engines = make_engines(dsn)
    migrate(engines.transactions)
    engines.dispose()
    return dsn


def clear(engines: Engines) -> None:
    with engines.transactions.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())


def checked_out(engines: Engines) -> list[int]:
    engines.rest()
    pools = [engine.pool for engine in (engines.transactions, engines.statements)]
    return [pool.checkedout() for pool in pools if isinstance(pool, QueuePool)]
