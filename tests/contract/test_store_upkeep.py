"""Outbox, answers, and what the sweeper asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from flowmanager.core.activeflow import Driver, State, Wait
from flowmanager.core.flow import Flow
from flowmanager.ports import Message, Transaction
from flowmanager.store.engine import Engines
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import outbox, workers
from tests.contract.store_builders import add, message, new_id, plain_activeflow

HOUR = timedelta(hours=1)


def add_messages(store: SqlStore, *messages: Message) -> None:
    store.run(lambda transaction: transaction.add_messages(messages))


def database_time(store: SqlStore) -> Any:
    return store.run(lambda transaction: transaction.now())


def make_older(engines: Engines, column: Any, age: timedelta, store: SqlStore) -> None:
    moment = database_time(store) - age
    with engines.transactions.begin() as connection:
        connection.execute(update(column.table).values({column: moment}))


def test_messages_are_given_in_commit_order_and_by_record(store: SqlStore) -> None:
    first, second, other = new_id(), new_id(), new_id()
    messages = [message(record) for record in (first, second, first, other, second)]
    add_messages(store, *messages[:2])
    add_messages(store, *messages[2:])
    assert store.unpublished([first, second]) == [messages[0], messages[1], messages[2], messages[4]]
    assert store.unpublished([other]) == [messages[3]]
    assert store.unpublished([]) == []


def test_published_messages_are_gone(store: SqlStore) -> None:
    record = new_id()
    messages = [message(record) for _ in range(3)]
    add_messages(store, *messages)
    first, second, third = store.unpublished([record])
    store.published([first, third])
    store.published([first])
    assert store.unpublished([record]) == [second] == [messages[1]]
    store.published([])
    store.published([second])
    assert store.unpublished([record]) == []


def test_a_message_with_the_number_of_a_published_one_stays(store: SqlStore) -> None:
    """A server that takes over for a lost one may give numbers again that somebody has read from the lost one."""
    record = new_id()
    add_messages(store, message(record))
    [kept] = store.unpublished([record])
    store.published([replace(kept, id=new_id())])
    assert store.unpublished([record]) == [kept]


def test_to_take_messages_out_waits_for_nobody(mysql_store: SqlStore) -> None:
    """Not for those who are putting theirs in, however small the table is: it would be read as a whole."""
    record = new_id()
    add_messages(mysql_store, *[message(record) for _ in range(16)])

    def work(transaction: Transaction) -> None:
        transaction.add_messages([message(new_id())])
        assert transaction.get_answer("what was written goes to the server with this") is None
        mysql_store.published(mysql_store.unpublished([record]))

    mysql_store.run(work)
    assert mysql_store.unpublished([record]) == []


def test_no_messages_are_no_work(store: SqlStore) -> None:
    add_messages(store)
    assert store.late_messages(seconds=-1, limit=10) == []


def test_late_messages_are_those_that_waited_too_long(store: SqlStore, engines: Engines) -> None:
    old = [message(new_id()) for _ in range(3)]
    add_messages(store, *old)
    make_older(engines, outbox.c.tm_create, timedelta(seconds=20), store)
    add_messages(store, message(new_id()))
    assert store.late_messages(seconds=10, limit=10) == old
    assert store.late_messages(seconds=10, limit=2) == old[:2]
    assert store.late_messages(seconds=30, limit=10) == []


def test_waits_are_due_when_their_deadline_has_passed(store: SqlStore) -> None:
    now = database_time(store)
    longest, short, future = (
        plain_activeflow(state=State.WAITING, wait=Wait(Driver.TIMER, now + age))
        for age in (timedelta(seconds=-2), timedelta(microseconds=-1), HOUR)
    )
    endless = plain_activeflow(state=State.WAITING, wait=Wait(Driver.PULL))
    taken = plain_activeflow(state=State.EXECUTING, wait=Wait(Driver.TIMER, now - HOUR))
    to_start = plain_activeflow(state=State.CREATED, wait=Wait(Driver.TIMER, now - HOUR))

    add(store, short, future, longest, endless, taken, to_start)
    assert store.due(limit=10) == [to_start.id, longest.id, short.id]
    assert store.due(limit=1) == [to_start.id]


def test_orphans_are_executed_by_nobody_who_lives(store: SqlStore, engines: Engines) -> None:
    dead, alive = new_id(), new_id()
    store.heartbeat(dead)
    make_older(engines, workers.c.tm_heartbeat, timedelta(seconds=20), store)
    store.heartbeat(alive)
    orphan, unknown, nobody, cared_for, waiting = (
        plain_activeflow(state=state, owner=owner)
        for state, owner in [
            (State.EXECUTING, dead),
            (State.EXECUTING, new_id()),
            (State.EXECUTING, None),
            (State.EXECUTING, alive),
            (State.WAITING, dead),
        ]
    )

    add(store, orphan, unknown, nobody, cared_for, waiting)
    assert set(store.orphans(seconds=10, limit=10)) == {(one.id, one.owner) for one in (orphan, unknown, nobody)}
    assert set(store.orphans(seconds=30, limit=10)) == {(one.id, one.owner) for one in (unknown, nobody)}
    assert len(store.orphans(seconds=10, limit=2)) == 2


def test_a_heartbeat_brings_a_worker_back(store: SqlStore, engines: Engines) -> None:
    worker = new_id()
    store.heartbeat(worker)
    make_older(engines, workers.c.tm_heartbeat, HOUR * 2, store)
    store.heartbeat(worker)
    activeflow = plain_activeflow(state=State.EXECUTING, owner=worker)
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))
    assert store.orphans(seconds=10, limit=10) == []
    assert store.purge(limit=10) == 0


def test_expired_answers_are_purged_in_batches(engines: Engines) -> None:
    forgetful, lasting = SqlStore(engines, answer_seconds=-0.5), SqlStore(engines, answer_seconds=60)

    def answer_three(transaction: Transaction) -> None:
        for key in "abc":
            transaction.add_answer(key, b"")

    forgetful.run(answer_three)
    lasting.run(lambda transaction: transaction.add_answer("lasting", b""))
    assert [lasting.purge(limit=2) for _ in range(3)] == [2, 1, 0]
    assert lasting.get_answer("a") is None
    assert lasting.get_answer("lasting") == b""


def test_expired_flows_are_gone_before_they_are_purged(store: SqlStore) -> None:
    now = database_time(store)
    expired, young = Flow(id=new_id(), tm_expire=now), Flow(id=new_id(), tm_expire=now + HOUR)
    add(store, expired, young)
    assert store.run(lambda transaction: transaction.get_flow(expired.id)) is None
    assert store.run(lambda transaction: transaction.lock_flow(expired.id)) is None
    assert store.run(lambda transaction: transaction.get_flow(young.id)) == young
    assert [store.purge(limit=10), store.purge(limit=10)] == [1, 0]


@pytest.mark.parametrize(("age", "purged"), [(timedelta(minutes=59), 0), (timedelta(minutes=61), 1)])
def test_workers_are_forgotten_after_an_hour(store: SqlStore, engines: Engines, age: timedelta, purged: int) -> None:
    store.heartbeat(new_id())
    make_older(engines, workers.c.tm_heartbeat, age, store)
    assert store.purge(limit=10) == purged
