"""Transactions: all or nothing, one at a time on a record, and only what changed is written."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from time import sleep
from typing import Any

import pytest

from flowmanager.core.activeflow import Activeflow, Driver, State, Wait
from flowmanager.core.ids import MAIN
from flowmanager.core.stacks import Place
from flowmanager.errors import AlreadyExists, Answered
from flowmanager.ports import Store, Transaction, Upkeep
from flowmanager.store.engine import Engines
from flowmanager.store.sql_store import SqlStore
from tests.contract.store_builders import (
    NOON,
    action,
    add,
    full_flow,
    message,
    new_id,
    plain_activeflow,
    step,
    trips_on,
)

LOCK_WAIT_SECONDS = 10.0


def count_up(store: SqlStore, activeflow_id: str) -> None:
    def work(transaction: Transaction) -> None:
        activeflow = transaction.lock_activeflow(activeflow_id)
        assert activeflow is not None
        transaction.save_activeflow(activeflow.evolve(execute_count=activeflow.execute_count + 1))

    store.run(work)


def test_the_store_is_what_the_program_asks_for(store: SqlStore) -> None:
    as_store: Store = store
    as_upkeep: Upkeep = store
    assert as_store.run(lambda _: 7) == 7
    assert as_upkeep.due(limit=1) == []


def test_what_fails_leaves_nothing(store: SqlStore) -> None:
    activeflow, flow = plain_activeflow(), full_flow()

    def work(transaction: Transaction) -> None:
        transaction.insert_activeflow(activeflow)
        transaction.insert_flow(flow)
        transaction.append_steps(activeflow.id, [step(0)])
        transaction.add_messages([message(activeflow.id)])
        transaction.add_answer("key", b"answer")
        raise LookupError

    with pytest.raises(LookupError):
        store.run(work)
    assert store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) is None
    assert store.run(lambda transaction: transaction.get_flow(flow.id)) is None
    assert store.run(lambda transaction: transaction.get_steps([activeflow.id])) == {activeflow.id: []}
    assert store.unpublished([activeflow.id]) == []
    assert store.get_answer("key") is None


def test_a_transaction_sees_what_it_wrote(store: SqlStore) -> None:
    activeflow = plain_activeflow()

    def work(transaction: Transaction) -> None:
        transaction.insert_activeflow(activeflow)
        transaction.append_steps(activeflow.id, [step(0)])
        assert transaction.get_activeflow(activeflow.id) == activeflow
        changed = activeflow.evolve(fence=1)
        transaction.save_activeflow(changed)
        assert transaction.lock_activeflow(activeflow.id) == changed
        assert len(transaction.get_steps([activeflow.id])[activeflow.id]) == 1

    store.run(work)


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"fence": 1}, {"fence"}),
        ({"state": State.EXECUTING}, {"state"}),
        ({"state": State.ENDED, "tm_end": NOON}, {"state", "status", "tm_end"}),
        ({"variables": {"a": "b"}}, {"variables"}),
        ({"wait": Wait(Driver.PULL)}, {"wait_driver"}),
        ({"cursor": Place(MAIN, new_id())}, {"cursor_action_id"}),
        ({"forward": Place(MAIN, new_id())}, {"forward_stack_id", "forward_action_id"}),
        ({"current_action": action()}, {"current_action", "current_action_id"}),
        ({"variables": {}, "fence": 0, "early_signals": ()}, set()),
    ],
)
def test_only_changed_columns_are_written(
    store: SqlStore, engines: Engines, changes: dict[str, Any], columns: set[str]
) -> None:
    activeflow = plain_activeflow()
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))

    def work(transaction: Transaction) -> None:
        locked = transaction.lock_activeflow(activeflow.id)
        assert locked is not None
        transaction.save_activeflow(locked.evolve(**changes))

    with trips_on(engines) as trips:
        store.run(work)
    updates = [statement for trip in trips for statement in trip if statement.startswith("UPDATE")]
    written = {part.split("=")[0].strip() for part in "".join(updates)[len("UPDATE activeflows SET") :].split(",")}
    assert {name for name in written if name} == columns


def test_a_second_save_is_compared_with_the_first(store: SqlStore) -> None:
    activeflow = plain_activeflow(variables={"a": "1"})
    changed = activeflow.evolve(variables={"a": "2"}, fence=1)

    def work(transaction: Transaction) -> None:
        transaction.insert_activeflow(activeflow)
        transaction.save_activeflow(changed)
        transaction.save_activeflow(activeflow.evolve(fence=1))

    store.run(work)
    assert store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) == activeflow.evolve(fence=1)


def test_saving_without_a_lock_is_a_mistake(store: SqlStore) -> None:
    activeflow = plain_activeflow()
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))
    with pytest.raises(KeyError):
        store.run(lambda transaction: transaction.save_activeflow(activeflow))


def test_an_id_can_be_taken_only_once(store: SqlStore) -> None:
    activeflow, flow = plain_activeflow(), full_flow()
    add(store, activeflow, flow)
    with pytest.raises(AlreadyExists) as taken:
        store.run(lambda transaction: transaction.insert_activeflow(plain_activeflow(id=activeflow.id, fence=7)))
    assert taken.value.facts == {"id": activeflow.id}
    with pytest.raises(AlreadyExists):
        store.run(lambda transaction: transaction.insert_flow(flow))
    assert store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) == activeflow


def test_a_request_can_be_answered_only_once(store: SqlStore) -> None:
    activeflow = plain_activeflow()
    store.run(lambda transaction: transaction.add_answer("key", b"first"))

    def repeat(transaction: Transaction) -> None:
        transaction.insert_activeflow(activeflow)
        transaction.add_answer("key", b"second")

    with pytest.raises(Answered):
        store.run(repeat)
    assert store.get_answer("key") == b"first"
    assert store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) is None


@pytest.mark.parametrize("kind", ["activeflow", "flow"])
def test_a_locked_record_excludes_other_transactions(store: SqlStore, kind: str) -> None:
    record = plain_activeflow() if kind == "activeflow" else full_flow()
    store.run(lambda transaction: getattr(transaction, f"insert_{kind}")(record))
    locked, released = Event(), []

    def holder(transaction: Transaction) -> None:
        getattr(transaction, f"lock_{kind}")(record.id)
        locked.set()
        sleep(0.3)
        released.append(datetime.now(UTC))

    def follower(transaction: Transaction) -> tuple[bool, datetime]:
        getattr(transaction, f"lock_{kind}")(record.id)
        return bool(released), transaction.now()

    with ThreadPoolExecutor() as threads:
        first = threads.submit(store.run, holder)
        assert locked.wait(LOCK_WAIT_SECONDS)
        came_later, moment = store.run(follower)
        first.result()
    assert came_later
    assert moment >= released[0] - timedelta(milliseconds=1), "the time is that of the lock, not of the wait for it"


def test_readers_do_not_wait_for_a_lock(mysql_store: SqlStore) -> None:
    activeflow = plain_activeflow()
    mysql_store.run(lambda transaction: transaction.insert_activeflow(activeflow))

    def work(transaction: Transaction) -> None:
        locked = transaction.lock_activeflow(activeflow.id)
        assert locked is not None
        transaction.save_activeflow(locked.evolve(fence=1))
        assert mysql_store.run(lambda other: other.get_activeflow(activeflow.id)) == activeflow
        assert mysql_store.due(limit=1) == []

    mysql_store.run(work)


def test_no_change_is_lost_between_threads(store: SqlStore) -> None:
    activeflow = plain_activeflow()
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(count_up, store, activeflow.id) for _ in range(80)]:
            done.result()
    found = store.run(lambda transaction: transaction.get_activeflow(activeflow.id))
    assert found is not None
    assert found.execute_count == 80


COUNT_UP_SCRIPT = """
import sys
from flowmanager.store.engine import make_engines
from flowmanager.store.sql_store import SqlStore

def work(transaction):
    activeflow = transaction.lock_activeflow(sys.argv[2])
    transaction.save_activeflow(activeflow.evolve(execute_count=activeflow.execute_count + 1))

store = SqlStore(make_engines(sys.argv[1]))
for _ in range(30):
    store.run(work)
store.close()
"""


def test_no_change_is_lost_between_processes(store: SqlStore, store_dsn: str) -> None:
    activeflow = plain_activeflow()
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))
    command = [sys.executable, "-c", COUNT_UP_SCRIPT, store_dsn, activeflow.id]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    found = store.run(lambda transaction: transaction.get_activeflow(activeflow.id))
    assert found is not None
    assert found.execute_count == 90


def test_the_time_is_the_databases_and_stands_still(store: SqlStore) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    first, second = store.run(lambda transaction: (transaction.now(), transaction.now()))
    assert first == second
    assert before <= first <= datetime.now(UTC)
    assert first.utcoffset() == timedelta(0)


def test_a_later_lock_tells_a_later_time(store: SqlStore) -> None:
    activeflow = plain_activeflow()
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))

    def work(transaction: Transaction) -> tuple[datetime, datetime]:
        first = transaction.now()
        sleep(0.01)
        transaction.lock_activeflow(activeflow.id)
        return first, transaction.now()

    first, second = store.run(work)
    assert first < second


def test_the_time_of_a_record_never_goes_back(store: SqlStore) -> None:
    """A clock may be put back, or another server take over whose clock is behind."""
    later = datetime.now(UTC) + timedelta(hours=1)
    activeflow = plain_activeflow(tm_update=later)
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))

    def work(transaction: Transaction) -> datetime:
        transaction.lock_activeflow(activeflow.id)
        return transaction.now()

    assert store.run(work) == later + timedelta(microseconds=1)


def test_a_change_is_seen_by_who_knows_the_record(store: SqlStore) -> None:
    """Also changes of one moment: SQLite's clock counts milliseconds, and a clock may be put back."""
    known = [plain_activeflow()]
    store.run(lambda transaction: transaction.insert_activeflow(known[0]))

    def change(transaction: Transaction) -> Activeflow:
        locked = transaction.lock_activeflow(known[0].id)
        assert locked is not None
        changed = locked.evolve(tm_update=transaction.now(), execute_count=locked.execute_count + 1)
        transaction.save_activeflow(changed)
        return changed

    for _ in range(20):
        known.append(store.run(change))
        assert not any(store.look(partial(unchanged, one)) for one in known[:-1])


def test_that_nothing_has_changed_is_told_by_one_short_question(store: SqlStore, engines: Engines) -> None:
    activeflow = plain_activeflow()
    add(store, activeflow)
    with trips_on(engines) as heard:
        assert store.look(partial(unchanged, activeflow))
    assert [len(statements) for statements in heard] == [1]


def unchanged(seen: Activeflow, transaction: Transaction) -> bool:
    return transaction.unchanged(seen.id, seen.stamp)


def test_a_record_that_is_gone_is_not_unchanged(store: SqlStore) -> None:
    assert not store.look(partial(unchanged, plain_activeflow()))
