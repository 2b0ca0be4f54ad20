"""Connections at hand: used again without the pool, and never one from before an outage."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from flowmanager.errors import StoreLost
from flowmanager.store import lines as lines_module
from flowmanager.store.engine import Engines
from flowmanager.store.lines import Line, Lines
from flowmanager.store.sql_store import SqlStore
from tests.broker_room import eventually
from tests.contract.store_builders import cut_others

POOL_SIZE = 10
"""Of the suite's connections."""


@pytest.fixture
def lines(engines: Engines) -> Iterator[Lines]:
    made = engines.lines[engines.statements]
    made.rest()
    yield made
    made.rest()


@pytest.fixture
def taken(lines: Lines) -> Iterator[list[object]]:
    """What is taken out of the pool meanwhile."""
    found: list[object] = []

    def note(connection: object, *_: object) -> None:
        found.append(connection)

    event.listen(lines.engine, "checkout", note)
    yield found
    event.remove(lines.engine, "checkout", note)


def used(lines: Lines, many: int) -> list[Line]:
    """So many connections that were in use at the same time, and are given back."""
    found = [lines.take() for _ in range(many)]
    for one in found:
        lines.give(one)
    return found


def test_a_connection_is_used_again_without_the_pool(lines: Lines, taken: list[object]) -> None:
    first, second = used(lines, 1), used(lines, 1)
    assert first == second
    assert len(taken) == 1


@pytest.mark.usefixtures("lines")
def test_the_store_keeps_them_at_hand(engines: Engines, taken: list[object]) -> None:
    store = SqlStore(engines)
    for _ in range(5):
        assert store.get_answer("unknown") is None
    assert len(taken) == 1


def test_the_pool_sees_each_from_time_to_time(
    lines: Lines, taken: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows how old they are."""
    monkeypatch.setattr(lines_module, "SECONDS", 0.0)
    for _ in range(3):
        used(lines, 1)
    assert len(taken) == 3


def test_one_that_has_lain_for_long_is_not_taken(
    lines: Lines, taken: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody on the way to the database may have forgotten it."""
    used(lines, 1)
    monkeypatch.setattr(lines_module, "monotonic", lambda: float("inf"))
    lines.take().connection.close()
    assert len(taken) == 2


def test_only_half_of_the_pool_is_kept(lines: Lines, taken: list[object]) -> None:
    for _ in range(2):
        used(lines, POOL_SIZE)
    assert len(taken) == POOL_SIZE + POOL_SIZE // 2


def test_who_waits_for_the_pool_gets_one(lines: Lines) -> None:
    """Though it would be kept at hand if nobody waited."""
    busy = [lines.take() for _ in range(POOL_SIZE)]
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lines.take)
        eventually(lambda: lines._asking == 1)
        lines.give(busy.pop())
        busy.append(waiting.result(5.0))
    for one in busy:
        lines.give(one)


def test_after_an_outage_none_of_before_is_used(lines: Lines, taken: list[object]) -> None:
    """Neither one that was at hand then nor one that was in use."""
    before = [lines.take() for _ in range(4)]
    for one in before[:2]:
        lines.give(one)
    before[2].connection.invalidate()
    for one in before[2:]:
        lines.give(one)
    taken.clear()
    assert not set(map(id, used(lines, 4))) & set(map(id, before))
    assert len(taken) == 4


def test_who_takes_over_from_a_lost_server_meets_one_failure(mysql_engines: Engines) -> None:
    """All connections are cut: one use shows it, the others are replaced unseen."""
    store, lines = SqlStore(mysql_engines), mysql_engines.lines[mysql_engines.statements]
    used(lines, 3)
    with mysql_engines.transactions.connect() as connection:
        cut_others(connection)
    with pytest.raises(StoreLost):
        store.get_answer("unknown")
    for _ in range(5):
        assert store.get_answer("unknown") is None


def test_a_broken_one_is_not_kept(lines: Lines, taken: list[object]) -> None:
    broken = lines.take()
    broken.connection.invalidate()
    lines.give(broken)
    assert lines.take().connection.is_valid
    assert len(taken) == 2
