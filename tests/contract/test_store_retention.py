"""Retention: what ended long ago goes, in small pieces, and nothing that is still needed goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

import pytest
from sqlalchemy import Dialect, func, select, text

from flowmanager.core.activeflow import Activeflow, EndedReason, State
from flowmanager.ports import STEPS_FOR_EACH, Purged, Store, Transaction, Upkeep
from flowmanager.simulation.memory_store import MemoryStore
from flowmanager.store.engine import Engines, make_engines
from flowmanager.store.moments import moments_of
from flowmanager.store.retention import Retention
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import activeflows, executed_actions
from tests.contract.store_builders import add, message, new_id, plain_activeflow, step

DAY = timedelta(days=1)
SECONDS = DAY.total_seconds()


class Shelf(Store, Upkeep, Protocol):
    """What a store is, for types."""


@pytest.fixture(params=["sqlite", "mysql", "memory"])
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    """A store of each kind, without rows."""
    if request.param == "memory":
        yield cast(Shelf, MemoryStore())
        return
    engines = make_engines(request.getfixturevalue(f"{request.param}_dsn"), pool_size=5)
    with engines.transactions.begin() as connection:
        for table in activeflows.metadata.sorted_tables:
            connection.execute(table.delete())
    yield cast(Shelf, SqlStore(engines))
    engines.dispose()


def now(shelf: Store) -> datetime:
    return shelf.run(lambda transaction: transaction.now())


def ended(shelf: Store, *, age: timedelta = DAY * 2, steps: int = 0, **changes: Any) -> Activeflow:
    """Store an activeflow that ended so long ago."""
    end = now(shelf) - age
    made = plain_activeflow(state=State.ENDED, ended_reason=EndedReason.FINISHED, tm_create=end - DAY, tm_end=end)
    made = made.evolve(executed_count=steps, **changes)
    add(shelf, made)
    for first in range(0, steps, 1000):
        lines = [short(number) for number in range(first, min(first + 1000, steps))]
        shelf.run(lambda transaction, lines=lines: transaction.append_steps(made.id, lines))  # type: ignore[misc]
    return made


def short(number: int) -> Any:
    """A line of the history without much in it."""
    return replace(step(number), action=plain_activeflow().current_action, error="")


def left(shelf: Store, *records: Activeflow) -> list[Activeflow]:
    """Those that are still there."""
    return [one for one in records if shelf.run(lambda transaction, key=one.id: transaction.get_activeflow(key))]  # type: ignore[misc]


def history(shelf: Store, record: Activeflow) -> int:
    steps: int = shelf.run(lambda transaction: len(transaction.get_steps([record.id])[record.id]))
    return steps


def purge_all(shelf: Upkeep, limit: int = 10) -> Purged:
    """Purge until nothing is left, as the sweeper does."""
    total = Purged()
    while (purged := shelf.purge_ended(seconds=SECONDS, limit=limit)).rows:
        total += purged
    return total


def test_what_ended_long_ago_goes_with_its_history(shelf: Shelf) -> None:
    old, young = ended(shelf, steps=3), ended(shelf, age=DAY / 2, steps=2)
    deleted = ended(shelf, tm_delete=now(shelf))
    running = plain_activeflow(tm_create=now(shelf) - DAY * 9)
    add(shelf, running)
    assert purge_all(shelf) == Purged(activeflows=2, steps=3)
    assert left(shelf, old, young, deleted, running) == [young, running]
    assert (history(shelf, old), history(shelf, young)) == (0, 2)


def test_the_id_of_what_was_purged_is_free(shelf: Shelf) -> None:
    old = ended(shelf, steps=2)
    purge_all(shelf)
    add(shelf, plain_activeflow(id=old.id))
    shelf.run(lambda transaction: transaction.append_steps(old.id, [step(0)]))
    assert history(shelf, old) == 1


def test_the_oldest_go_first_and_no_more_than_asked(shelf: Shelf) -> None:
    records = [ended(shelf, age=DAY * days) for days in (3, 5, 4, 2)]
    assert shelf.purge_ended(seconds=SECONDS, limit=2) == Purged(activeflows=2)
    assert left(shelf, *records) == [records[0], records[3]]


def test_an_unpublished_message_keeps_its_activeflow(shelf: Shelf) -> None:
    kept, gone = ended(shelf), ended(shelf)
    waiting = message(kept.id)
    shelf.run(lambda transaction: transaction.add_messages([waiting]))
    assert purge_all(shelf) == Purged(activeflows=1)
    assert left(shelf, kept, gone) == [kept]
    shelf.published(shelf.unpublished([kept.id]))
    assert purge_all(shelf) == Purged(activeflows=1)


def test_a_chain_stays_while_its_end_runs(shelf: Shelf) -> None:
    first = ended(shelf, age=DAY * 9)
    second = ended(shelf, age=DAY * 8, reference_activeflow_id=first.id)
    last = plain_activeflow(reference_activeflow_id=second.id, tm_create=now(shelf) - DAY * 8)
    add(shelf, last)
    assert purge_all(shelf) == Purged()
    end_now(shelf, last, now(shelf) - DAY * 2)
    assert purge_all(shelf) == Purged(activeflows=3)


def end_now(shelf: Store, record: Activeflow, moment: datetime) -> None:
    def work(transaction: Transaction) -> None:
        locked = transaction.lock_activeflow(record.id)
        assert locked
        transaction.save_activeflow(locked.evolve(state=State.ENDED, tm_end=moment))

    shelf.run(work)


def test_what_a_running_activeflow_started_stays(shelf: Shelf) -> None:
    running = plain_activeflow(tm_create=now(shelf) - DAY * 9)
    add(shelf, running)
    kept = ended(shelf, reference_activeflow_id=running.id)
    assert purge_all(shelf) == Purged()
    end_now(shelf, running, now(shelf) - DAY * 2)
    assert purge_all(shelf) == Purged(activeflows=2)
    assert left(shelf, running, kept) == []


def test_circles_of_starters_do_not_stay_for_ever(shelf: Shelf) -> None:
    one, other = new_id(), new_id()
    ended(shelf, id=one, reference_activeflow_id=other)
    ended(shelf, id=other, reference_activeflow_id=one)
    itself = new_id()
    ended(shelf, id=itself, reference_activeflow_id=itself)
    assert purge_all(shelf) == Purged(activeflows=3)


def test_a_long_history_goes_in_pieces(shelf: Shelf) -> None:
    limit, length = 2, 2 * STEPS_FOR_EACH * 2 + 5
    long, plain = ended(shelf, steps=length), ended(shelf, steps=1)
    rounds = []
    while (purged := shelf.purge_ended(seconds=SECONDS, limit=limit)).rows:
        rounds.append(purged)
    assert max(purged.steps for purged in rounds) <= limit * STEPS_FOR_EACH
    assert sum(rounds, Purged()) == Purged(activeflows=2, steps=length + 1)
    assert [history(shelf, one) for one in (long, plain)] == [0, 0]


@pytest.mark.parametrize("steps", [STEPS_FOR_EACH - 1, STEPS_FOR_EACH, STEPS_FOR_EACH + 1])
def test_histories_about_as_long_as_a_piece(shelf: Shelf, steps: int) -> None:
    records = [ended(shelf, steps=steps) for _ in range(3)]
    assert purge_all(shelf, limit=1) == Purged(activeflows=3, steps=steps * 3)
    assert [history(shelf, one) for one in records] == [0, 0, 0]


def test_what_would_go_can_be_counted(store: SqlStore) -> None:
    parent = ended(store, steps=2)
    ended(store, reference_activeflow_id=parent.id, steps=3)
    with_young = ended(store)
    ended(store, age=DAY / 2, reference_activeflow_id=with_young.id)
    assert store.count_ended(seconds=SECONDS) == Purged(activeflows=2, steps=5)
    assert left(store, parent) == [parent]


def test_several_workers_purge_at_once(store: SqlStore, engines: Engines) -> None:
    for _ in range(60):
        parent = ended(store, steps=7)
        ended(store, reference_activeflow_id=parent.id, steps=2)
    with ThreadPoolExecutor(4) as threads:
        purged = [one.result() for one in [threads.submit(purge_all, SqlStore(engines), 5) for _ in range(4)]]
    total = sum(purged, Purged()) + purge_all(store)
    assert total == Purged(activeflows=120, steps=540)


def test_a_locked_activeflow_is_passed_over(mysql_store: SqlStore, mysql_engines: Engines) -> None:
    held, free = ended(mysql_store, age=DAY * 3), ended(mysql_store)
    query = select(activeflows.c.id).where(activeflows.c.id == held.id).with_for_update()
    with mysql_engines.transactions.begin() as connection:
        connection.execute(query)
        assert purge_all(mysql_store) == Purged(activeflows=1)
    assert left(mysql_store, held, free) == [held]


def test_the_database_finds_them_by_indexes(mysql_store: SqlStore, mysql_engines: Engines) -> None:
    """Of thousands of activeflows one is old, no table is read as a whole, and nothing is sorted."""
    many(mysql_engines)
    old = ended(mysql_store)
    dialect = mysql_engines.transactions.dialect
    with mysql_engines.transactions.begin() as connection:
        for table in ("activeflows", "outbox"):
            connection.execute(text(f"ANALYZE TABLE {table}")).all()
    plan = {row["table"]: row for row in explained(mysql_engines, dialect, Retention(moments_of(dialect), SECONDS))}
    assert plan["activeflows"]["key"] == "activeflows_end"
    assert plan["activeflows"]["type"] == "range"
    assert not [name for name, row in plan.items() if row["type"] in ("ALL", "index")], plan
    assert not any("filesort" in (row["Extra"] or "") for row in plan.values()), plan
    assert purge_all(mysql_store) == Purged(activeflows=1)
    assert left(mysql_store, old) == []


def many(engines: Engines) -> None:
    """Store 2048 activeflows that ended just now, and a message of each."""
    ended(SqlStore(engines), age=timedelta(0))
    columns = ", ".join(column.name for column in activeflows.c if column.name != "id")
    fresh = f"SELECT RANDOM_BYTES(16), {columns} FROM activeflows"
    copied = f"INSERT INTO activeflows (id, {columns}) {fresh}"
    with engines.transactions.begin() as connection:
        for _ in range(11):
            connection.execute(text(copied))
        told = "SELECT id, id, 'event', '', '', UTC_TIMESTAMP(6) FROM activeflows"
        connection.execute(text(f"INSERT INTO outbox (id, activeflow_id, kind, target, body, tm_create) {told}"))


def explained(engines: Engines, dialect: Dialect, retention: Retention) -> list[dict[str, Any]]:
    """What the database would do to find them."""
    query = retention.candidates(100).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    with engines.transactions.begin() as connection:
        return [dict(row) for row in connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {query}").mappings()]


def test_history_rows_are_gone_from_the_table(store: SqlStore, engines: Engines) -> None:
    ended(store, steps=5)
    purge_all(store)
    with engines.transactions.begin() as connection:
        assert connection.execute(select(func.count()).select_from(executed_actions)).scalar_one() == 0
