"""Changes of several threads in one transaction: each has what it would have alone, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial
from threading import Event, Lock
from typing import Any

import pytest

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.ids import Id
from flowmanager.errors import ActiveflowNotFound, Answered, Contention, StoreLost
from flowmanager.ports import Transaction
from flowmanager.store.driver import RememberingConnection
from flowmanager.store.engine import Engines
from flowmanager.store.group import LEADERS
from flowmanager.store.sql_store import SqlStore
from tests.broker_room import eventually
from tests.contract.store_builders import add, cut_others, new_id, plain_activeflow

Change = Callable[[Transaction], Any]
SECONDS = 30.0
MANY = 8
WHO: ContextVar[str] = ContextVar("who", default="")


class Group:
    """Changes that come while as many transactions are under way as there may be."""

    def __init__(self, store: SqlStore, engines: Engines, threads: ThreadPoolExecutor) -> None:
        self.store, self._engines, self._threads = store, engines, threads
        self.futures: list[Future[Any]] = []
        self.statements: list[Sequence[str]] = []
        """Of each round trip after the leaders had theirs."""

    def add(self, key: Id, change: Change) -> Future[Any]:
        """Have a thread make a change, and wait until it has joined."""
        self.futures.append(self._threads.submit(self.store.run, change, on=key))
        eventually(lambda: self.store.waiting == len(self.futures), seconds=SECONDS)
        return self.futures[-1]

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Those who are added meanwhile make up one group, which is done at the end."""
        go, inside = Event(), [Event() for _ in range(LEADERS)]

        def hold(mine: Event, _: Transaction) -> None:
            mine.set()
            go.wait(SECONDS)

        first = [add_one(self.store) for _ in inside]
        leaders = [
            self._threads.submit(self.store.run, partial(hold, event), on=one.id)
            for one, event in zip(first, inside, strict=True)
        ]
        assert all(event.wait(SECONDS) for event in inside)
        yield
        self._engines.heard.append(self.statements.append)
        go.set()
        for future in leaders:
            future.result(SECONDS)
        for future in self.futures:
            future.exception(SECONDS)
        self._engines.heard.remove(self.statements.append)

    def groups(self) -> list[int]:
        """Return how many activeflows were locked by each of the statements that pass over what others have locked."""
        found = (text for statements in self.statements for text in statements if "SKIP LOCKED" in text)
        return [text.count("%s") for text in found]

    @property
    def commits(self) -> int:
        """How many transactions were committed, those of the leaders among them."""
        return sum("COMMIT" in statements for statements in self.statements)


@pytest.fixture
def group(mysql_store: SqlStore, mysql_engines: Engines) -> Iterator[Group]:
    with ThreadPoolExecutor(LEADERS + MANY + 1) as threads:
        yield Group(mysql_store, mysql_engines, threads)


def add_one(store: SqlStore) -> Activeflow:
    """Store an activeflow."""
    made = plain_activeflow()
    add(store, made)
    return made


def counted(key: Id, transaction: Transaction) -> int:
    """Count one more resumption of an activeflow, and return how many there are."""
    found = transaction.lock_activeflow(key)
    assert found is not None
    transaction.save_activeflow(found.evolve(execute_count=found.execute_count + 1))
    return found.execute_count + 1


def answered(key: Id, request: str, transaction: Transaction) -> int:
    """The same, with an answer to a request."""
    count = counted(key, transaction)
    transaction.add_answer(request, key.encode())
    return count


def count_of(store: SqlStore, key: Id) -> int:
    """Return how often an activeflow was resumed, as it is stored."""
    found = store.look(lambda transaction: transaction.get_activeflow(key))
    assert found is not None
    return found.execute_count


def test_those_who_come_meanwhile_share_a_transaction(group: Group) -> None:
    """One lock, one insertion for all answers, one commit."""
    flows = [add_one(group.store) for _ in range(MANY)]
    with group.gathered():
        for one in flows:
            group.add(one.id, partial(answered, one.id, f"request-{one.id}"))
    assert [future.result() for future in group.futures] == [1] * MANY
    assert group.groups() == [MANY]
    assert group.commits == LEADERS + 1
    assert sum("INSERT INTO answers" in text for texts in group.statements for text in texts) == 1
    assert [count_of(group.store, one.id) for one in flows] == [1] * MANY
    assert [group.store.get_answer(f"request-{one.id}") for one in flows] == [one.id.encode() for one in flows]


def test_nobody_waits_for_company(group: Group) -> None:
    """Alone, a change is made at once, with as many round trips as without groups."""
    one = add_one(group.store)
    heard: list[Sequence[str]] = []
    group._engines.heard.append(heard.append)
    assert group.store.run(partial(counted, one.id), on=one.id) == 1
    assert len(heard) == 2


def test_changes_of_one_activeflow_follow_each_other(group: Group) -> None:
    """Each sees what the one before it wrote."""
    one, other = add_one(group.store), add_one(group.store)
    with group.gathered():
        for _ in range(3):
            group.add(one.id, partial(counted, one.id))
        group.add(other.id, partial(counted, other.id))
    assert sorted(future.result() for future in group.futures[:3]) == [1, 2, 3]
    assert group.futures[3].result() == 1


def test_an_error_concerns_only_who_made_it(group: Group) -> None:
    """What it had written is forgotten, what the others wrote is kept."""
    flows = [add_one(group.store) for _ in range(3)]

    def fail(transaction: Transaction) -> None:
        counted(flows[1].id, transaction)
        raise ActiveflowNotFound(activeflow_id=flows[1].id)

    with group.gathered():
        group.add(flows[0].id, partial(counted, flows[0].id))
        failed = group.add(flows[1].id, fail)
        group.add(flows[2].id, partial(counted, flows[2].id))
    assert isinstance(failed.exception(), ActiveflowNotFound)
    assert [count_of(group.store, one.id) for one in flows] == [1, 0, 1]
    assert group.groups() == [3]


def test_a_fault_of_the_program_concerns_only_its_own_message(group: Group) -> None:
    flows = [add_one(group.store) for _ in range(2)]
    with group.gathered():
        failed = group.add(flows[0].id, lambda _: [][0])
        group.add(flows[1].id, partial(counted, flows[1].id))
    assert isinstance(failed.exception(), IndexError)
    assert [count_of(group.store, one.id) for one in flows] == [0, 1]


def test_what_cannot_be_written_is_the_trouble_of_one(group: Group) -> None:
    """Not of the one who leads, in whose thread it shows."""
    flows = [add_one(group.store) for _ in range(3)]

    def spoil(transaction: Transaction) -> None:
        found = transaction.lock_activeflow(flows[1].id)
        assert found is not None
        transaction.save_activeflow(found.evolve(owner="no id"))

    with group.gathered():
        group.add(flows[0].id, partial(counted, flows[0].id))
        spoilt = group.add(flows[1].id, spoil)
        group.add(flows[2].id, partial(counted, flows[2].id))
    assert isinstance(spoilt.exception(), ValueError)
    assert [future.exception() for future in group.futures if future is not spoilt] == [None, None]
    assert [count_of(group.store, one.id) for one in flows] == [1, 0, 1]


def test_who_is_locked_by_somebody_else_keeps_nobody_waiting(group: Group) -> None:
    """It waits alone, and has its turn when the other one has finished."""
    locked, free = add_one(group.store), add_one(group.store)
    with ExitStack() as stack:
        go, has = Event(), Event()
        stack.callback(go.set)

        def keep(transaction: Transaction) -> None:
            counted(locked.id, transaction)
            has.set()
            go.wait(SECONDS)

        other = SqlStore(group._engines)
        keeping = group._threads.submit(other.run, keep)
        assert has.wait(SECONDS)
        with group.gathered():
            waits = group.add(locked.id, partial(counted, locked.id))
            passes = group.add(free.id, partial(counted, free.id))
            stack.enter_context(late(passes, go))
        keeping.result(SECONDS)
    assert passes.result() == 1
    assert waits.result() == 2


@contextmanager
def late(first: Future[Any], then: Event) -> Iterator[None]:
    """Set an event when a change has been made."""
    first.add_done_callback(lambda _: then.set())
    yield


def test_a_change_that_needs_more_goes_alone(group: Group) -> None:
    """Another lock in a transaction of many could stop many: a deadlock."""
    one, other, third = (add_one(group.store) for _ in range(3))

    def both(transaction: Transaction) -> int:
        return counted(one.id, transaction) + counted(other.id, transaction)

    with group.gathered():
        two = group.add(one.id, both)
        group.add(third.id, partial(counted, third.id))
    assert two.result() == 2
    assert [count_of(group.store, each.id) for each in (one, other, third)] == [1, 1, 1]


def test_a_change_that_locks_twice_sees_what_it_wrote(group: Group) -> None:
    """Not the row that was read for all."""
    one, other = add_one(group.store), add_one(group.store)
    with group.gathered():
        twice = group.add(one.id, lambda transaction: [counted(one.id, transaction) for _ in range(2)])
        group.add(other.id, partial(counted, other.id))
    assert twice.result() == [1, 2]
    assert [count_of(group.store, each.id) for each in (one, other)] == [2, 1]


def test_a_change_sees_what_it_wrote(group: Group) -> None:
    """It reads freely what it has not written, and goes alone to read what it has."""
    one, other = add_one(group.store), add_one(group.store)
    seen: list[tuple[bytes | None, int]] = []

    def look(transaction: Transaction) -> None:
        counted(one.id, transaction)
        known = transaction.get_answer("unknown")
        found = transaction.get_activeflow(one.id)
        assert found is not None
        seen.append((known, found.execute_count))

    with group.gathered():
        group.add(one.id, look)
        group.add(other.id, partial(counted, other.id))
    assert group.futures[0].exception() is None
    assert seen == [(None, 1)]
    assert [count_of(group.store, each.id) for each in (one, other)] == [1, 1]


def test_a_key_that_is_taken_is_the_trouble_of_one(group: Group) -> None:
    """The transaction of all fails; then each goes alone, and one of them is told."""
    flows = [add_one(group.store) for _ in range(3)]
    group.store.run(lambda transaction: transaction.add_answer("taken", b"before"))
    with group.gathered():
        for one, request in zip(flows, ("free", "taken", "also free"), strict=True):
            group.add(one.id, partial(answered, one.id, request))
    ends = [future.exception() for future in group.futures]
    assert [type(end) for end in ends] == [type(None), Answered, type(None)]
    assert [count_of(group.store, one.id) for one in flows] == [1, 0, 1]
    assert group.store.get_answer("taken") == b"before"


def test_one_that_is_not_there_is_told_so(group: Group) -> None:
    one, unknown = add_one(group.store), new_id()
    with group.gathered():
        group.add(unknown, lambda transaction: transaction.lock_activeflow(unknown))
        group.add(one.id, partial(counted, one.id))
    assert [future.result() for future in group.futures] == [None, 1]


def test_everybody_learns_that_the_database_is_lost(group: Group) -> None:
    """Nobody makes a change again of which nobody knows whether it is committed."""
    flows = [add_one(group.store) for _ in range(3)]
    made, lock = [], Lock()

    def kill(transaction: Transaction) -> None:
        counted(flows[0].id, transaction)
        with group._engines.transactions.connect() as connection:
            cut_others(connection)

    def change(key: Id, transaction: Transaction) -> None:
        counted(key, transaction)
        with lock:
            made.append(key)

    with group.gathered():
        group.add(flows[0].id, kill)
        for one in flows[1:]:
            group.add(one.id, partial(change, one.id))
    assert [type(future.exception()) for future in group.futures] == [StoreLost] * 3
    assert sorted(made) == sorted(one.id for one in flows[1:])
    assert [count_of(group.store, one.id) for one in flows] == [0, 0, 0]


def test_an_answer_that_makes_no_sense_is_a_lost_database(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver fails on the answers of a packet whose commit is made: nobody makes its changes again."""
    flows = [add_one(group.store) for _ in range(3)]

    def out_of_step(*_: Any, **__: Any) -> None:
        raise IndexError

    with group.gathered():
        for one in flows:
            group.add(one.id, partial(counted, one.id))
        monkeypatch.setattr(RememberingConnection, "next_result", out_of_step)
    assert [type(future.exception()) for future in group.futures] == [StoreLost] * 3
    monkeypatch.undo()
    assert [count_of(group.store, one.id) for one in flows] == [1, 1, 1]


def test_what_a_change_logs_is_its_own(group: Group) -> None:
    """Whoever's thread makes it, it has the context of its own message."""
    flows = [add_one(group.store) for _ in range(3)]
    seen: dict[str, str] = {}

    def note(name: str) -> None:
        seen[name] = WHO.get()

    def come(number: int) -> None:
        WHO.set(f"message {number}")
        group.store.run(lambda _: note(f"change {number}"), on=flows[number].id)

    with group.gathered():
        for number in range(3):
            group.futures.append(group._threads.submit(come, number))
        eventually(lambda: group.store.waiting == 3, seconds=SECONDS)
    assert seen == {f"change {number}": f"message {number}" for number in range(3)}


def test_contention_is_nobody_s_end(group: Group) -> None:
    """A group that the database gives up is made again, one change after the other."""
    flows = [add_one(group.store) for _ in range(2)]
    tries: list[Id] = []

    def refused(key: Id, transaction: Transaction) -> int:
        tries.append(key)
        if tries.count(key) == 1:
            raise Contention(code=1213)
        return counted(key, transaction)

    with group.gathered():
        for one in flows:
            group.add(one.id, partial(refused, one.id))
    assert [future.result() for future in group.futures] == [1, 1]
