"""What an operation costs: statements are counted by the server itself, round trips where the driver sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymysql.connections import Connection
from sqlalchemy import Engine, text

from flowmanager.ports import Page, Transaction
from flowmanager.store.engine import Engines, make_engines
from flowmanager.store.session import BATCH_CHARACTERS
from flowmanager.store.sql_store import SqlStore
from tests.contract.store_builders import (
    add,
    full_flow,
    message,
    new_id,
    plain_activeflow,
    step,
    trips_on,
)

KNOWN = plain_activeflow()
KNOWN_FLOW = full_flow(tm_delete=None)
Work = Callable[[Transaction], Any]


@pytest.fixture
def lone_engines(mysql_dsn: str, mysql_engines: Engines) -> Iterator[Engines]:
    """One connection of each kind, warmed up, on a database with one flow and one activeflow."""
    warm_up(SqlStore(mysql_engines))
    made = make_engines(mysql_dsn, pool_size=1)
    for engine in (made.transactions, made.statements):
        with engine.connect():
            pass
    yield made
    made.dispose()


def warm_up(store: SqlStore) -> None:
    add(store, KNOWN, KNOWN_FLOW)


def questions(engine: Engine) -> int:
    """How many statements the server has got on the connection of this pool, this question included."""
    with engine.connect() as connection:
        row = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Questions'").one()
        if not engine.dialect.skip_autocommit_rollback:
            connection.commit()
    return int(row[1])


@contextmanager
def statements(engine: Engine) -> Iterator[list[int]]:
    """The number of statements that the server gets in the meantime."""
    cost: list[int] = []
    first = questions(engine)
    asking = questions(engine) - first
    before = first + asking
    yield cost
    cost.append(questions(engine) - before - asking)


@contextmanager
def packets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The commands that the driver sends in the meantime, each of them a round trip."""
    sent: list[int] = []
    driver: Any = Connection
    send = driver._execute_command

    def note(connection: Any, command: int, sql: Any) -> None:
        sent.append(command)
        send(connection, command, sql)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "_execute_command", note)
        yield sent


def save(transaction: Transaction) -> None:
    locked = transaction.lock_activeflow(KNOWN.id)
    assert locked is not None
    transaction.save_activeflow(locked.evolve(fence=locked.fence + 1))


def whole_step(transaction: Transaction) -> None:
    """All that one step of a flow writes."""
    save(transaction)
    transaction.append_steps(KNOWN.id, [step(number) for number in range(3)])
    transaction.add_messages([message(KNOWN.id) for _ in range(3)])
    transaction.add_answer(new_id(), b"{}")
    transaction.now()


IN_TRANSACTION: list[tuple[int, int, str, Work]] = [
    (0, 0, "nothing", lambda _: None),
    (2, 2, "now", lambda transaction: (transaction.now(), transaction.now())),
    (2, 2, "get_flow", lambda transaction: (transaction.get_flow(KNOWN_FLOW.id), transaction.now())),
    (2, 2, "lock_flow", lambda transaction: (transaction.lock_flow(KNOWN_FLOW.id), transaction.now())),
    (1, 2, "insert_flow", lambda transaction: transaction.insert_flow(full_flow())),
    (1, 2, "update_flow", lambda transaction: transaction.update_flow(KNOWN_FLOW)),
    (2, 2, "list_flows", lambda transaction: transaction.list_flows(Page(size=10))),
    (2, 2, "count_flows", lambda transaction: transaction.count_flows(new_id())),
    (1, 2, "insert_activeflow", lambda transaction: transaction.insert_activeflow(plain_activeflow())),
    (2, 2, "get_activeflow", lambda transaction: (transaction.get_activeflow(KNOWN.id), transaction.now())),
    (2, 2, "lock_activeflow", lambda transaction: (transaction.lock_activeflow(KNOWN.id), transaction.now())),
    (2, 3, "save_activeflow", save),
    (2, 2, "list_activeflows", lambda transaction: transaction.list_activeflows(Page(size=10))),
    (2, 2, "running_by_reference", lambda transaction: transaction.running_by_reference(new_id())),
    (1, 2, "append_steps", lambda transaction: transaction.append_steps(new_id(), [step(0), step(1)])),
    (2, 2, "get_steps", lambda transaction: transaction.get_steps([new_id(), new_id()])),
    (2, 3, "add_messages", lambda transaction: transaction.add_messages([message(new_id()), message(new_id())])),
    (1, 2, "add_answer", lambda transaction: transaction.add_answer(new_id(), b"")),
    (2, 6, "a whole step", whole_step),
]
"""Round trips and statements, the commit among them."""
BESIDE: list[tuple[str, Callable[[SqlStore], Any]]] = [
    ("get_answer", lambda store: store.get_answer("key")),
    ("unpublished", lambda store: store.unpublished([new_id(), new_id()])),
    ("published", lambda store: store.published([message(new_id()), message(new_id())])),
    ("heartbeat", lambda store: store.heartbeat(new_id())),
    ("due", lambda store: store.due(limit=10)),
    ("orphans", lambda store: store.orphans(seconds=10, limit=10)),
    ("late_messages", lambda store: store.late_messages(seconds=10, limit=10)),
]


CASES = pytest.mark.parametrize(
    ("trips", "cost", "work"),
    [(trips, cost, work) for trips, cost, _, work in IN_TRANSACTION],
    ids=[one[2] for one in IN_TRANSACTION],
)


@CASES
def test_an_operation_costs_its_statements_and_few_round_trips(
    lone_engines: Engines, monkeypatch: pytest.MonkeyPatch, trips: int, cost: int, work: Work
) -> None:
    store = SqlStore(lone_engines)
    with statements(lone_engines.transactions) as counted, packets(monkeypatch) as sent:
        store.run(work)
        found = len(sent)
    assert (found, counted) == (trips, [cost])


@pytest.mark.parametrize("work", [work for _, work in BESIDE], ids=[name for name, _ in BESIDE])
def test_an_operation_beside_transactions_costs_one_round_trip(lone_engines: Engines, work: Any) -> None:
    with statements(lone_engines.statements) as counted:
        work(SqlStore(lone_engines))
    assert counted == [1]


def test_a_failed_transaction_costs_one_rollback(lone_engines: Engines) -> None:
    def work(transaction: Transaction) -> None:
        transaction.now()
        raise LookupError

    with statements(lone_engines.transactions) as counted, pytest.raises(LookupError):
        SqlStore(lone_engines).run(work)
    assert counted == [2]


def test_writes_of_more_than_a_packet_go_by_themselves(lone_engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is written, and none of the packets is of more than one large write."""
    large = [message(KNOWN.id, body=b"x" * (BATCH_CHARACTERS + 1)) for _ in range(3)]

    def work(transaction: Transaction) -> None:
        for one in large:
            transaction.add_messages([one])

    store = SqlStore(lone_engines)
    with packets(monkeypatch) as sent:
        store.run(work)
    assert len(sent) == len(["now", *large, "commit"])
    assert [one.id for one in store.unpublished([KNOWN.id])] == [one.id for one in large]


@CASES
def test_the_number_of_statements_is_the_same_everywhere(
    store: SqlStore, engines: Engines, trips: int, cost: int, work: Work
) -> None:
    warm_up(store)
    with trips_on(engines) as heard:
        store.run(work)
    assert (len(heard), sum(map(len, heard))) == (trips, cost)


def test_sessions_are_prepared_once(lone_engines: Engines) -> None:
    query = text("SELECT @@time_zone, @@innodb_lock_wait_timeout, @@character_set_client, @@sql_mode, @@autocommit")
    isolation = text("SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')")
    expected = ["+00:00", 5, "utf8mb4", "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"]
    for engine, autocommit in ((lone_engines.transactions, 0), (lone_engines.statements, 1)):
        with engine.connect() as connection:
            assert list(connection.execute(query).one()) == [*expected, autocommit]
            assert {row[1] for row in connection.execute(isolation)} == {"READ-COMMITTED"}
