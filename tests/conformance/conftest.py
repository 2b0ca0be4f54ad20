"""A database for the scenarios that are played without a broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowmanager.store.engine import Engines, make_engines
from flowmanager.store.migrate import migrate
from tests.desk import clear


@pytest.fixture(scope="session")
def played_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """An SQLite file with all tables."""
    engines = make_engines(f"sqlite:///{tmp_path_factory.mktemp('conformance')}/played.db", pool_size=4)
    migrate(engines.transactions)
    yield engines
    engines.dispose()


@pytest.fixture
def empty_engines(played_engines: Engines) -> Engines:
    """The same, without rows."""
    clear(played_engines)
    return played_engines
