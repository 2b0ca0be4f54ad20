"""Ten thousand activeflows that wait: a round of the sweeper reads none of them that is not due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from flowmanager.core.activeflow import Driver, State, Wait
from flowmanager.store.engine import Engines, make_engines
from flowmanager.store.records import activeflow_columns
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import activeflows
from tests.contract.conftest import clear
from tests.contract.store_builders import add, new_id, plain_activeflow

WAITING = 10_000
BATCH = 500
FEW = 30
"""Rows and index entries that a round may read, whatever else there is."""
READS = ("key", "next", "prev", "first", "last", "rnd", "rnd_next")
DUTIES: dict[str, Callable[[SqlStore], Any]] = {
    "timers": lambda store: store.due(limit=100),
    "take-overs": lambda store: store.orphans(seconds=10, limit=100),
    "left-over events": lambda store: store.late_messages(seconds=5, limit=500),
    "heartbeat": lambda store: store.heartbeat(new_id()),
    "tidying up": lambda store: store.purge(limit=500),
    "retention": lambda store: store.purge_ended(seconds=1, limit=100),
}


@pytest.fixture(scope="module")
def crowd(mysql_dsn: str) -> Iterator[Engines]:
    """A database on which ten thousand wait for a timer of tomorrow, and one connection of each kind."""
    engines = make_engines(mysql_dsn, pool_size=1)
    clear(engines)
    store = SqlStore(engines)
    tomorrow = store.run(lambda transaction: transaction.now()) + timedelta(hours=25)
    one = activeflow_columns(plain_activeflow(state=State.WAITING, wait=Wait(Driver.TIMER, tomorrow)))
    with engines.transactions.begin() as connection:
        for _ in range(WAITING // BATCH):
            connection.execute(activeflows.insert(), [{**one, "id": new_id()} for _ in range(BATCH)])
        connection.execute(text("ANALYZE TABLE activeflows"))
    yield engines
    with engines.transactions.begin() as connection:
        connection.execute(activeflows.delete())
    engines.dispose()


def reads(engine: Engine) -> int:
    """How many rows and index entries this pool's one connection has read."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").all()
        connection.commit()
    found = {str(name): int(value) for name, value in rows}
    return sum(found.get(f"Handler_read_{kind}", 0) for kind in READS)


@pytest.mark.parametrize("duty", DUTIES)
def test_a_round_does_not_read_those_who_wait(crowd: Engines, duty: str) -> None:
    store, pools = SqlStore(crowd), (crowd.transactions, crowd.statements)
    DUTIES[duty](store)
    asking = [-reads(pool) + reads(pool) for pool in pools]
    before = [reads(pool) for pool in pools]
    DUTIES[duty](store)
    cost = [reads(pool) - one - more for pool, one, more in zip(pools, before, asking, strict=True)]
    assert sum(cost) <= FEW


def test_one_that_is_due_is_found_among_them(crowd: Engines) -> None:
    store = SqlStore(crowd)
    now = store.run(lambda transaction: transaction.now())
    due = plain_activeflow(state=State.WAITING, wait=Wait(Driver.TIMER, now))
    add(store, due)
    assert store.due(limit=100) == [due.id]
