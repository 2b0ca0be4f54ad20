"""What an operation costs: round trips to the database are counted by the server itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, text

from flowmanager.ports import Page, Transaction
from flowmanager.store.engine import Engines, make_engines
from flowmanager.store.sql_store import SqlStore
from tests.contract.store_builders import (
    add,
    full_flow,
    message,
    new_id,
    plain_activeflow,
    statements_on,
    step,
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
def round_trips(engine: Engine) -> Iterator[list[int]]:
    """The number of statements that the server gets in the meantime."""
    cost: list[int] = []
    first = questions(engine)
    asking = questions(engine) - first
    before = first + asking
    yield cost
    cost.append(questions(engine) - before - asking)


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


IN_TRANSACTION: list[tuple[int, str, Work]] = [
    (0, "nothing", lambda _: None),
    (1, "now", lambda transaction: (transaction.now(), transaction.now())),
    (1, "get_flow", lambda transaction: transaction.get_flow(KNOWN_FLOW.id)),
    (1, "lock_flow", lambda transaction: (transaction.lock_flow(KNOWN_FLOW.id), transaction.now())),
    (1, "insert_flow", lambda transaction: transaction.insert_flow(full_flow())),
    (1, "update_flow", lambda transaction: transaction.update_flow(KNOWN_FLOW)),
    (1, "list_flows", lambda transaction: transaction.list_flows(Page(size=10))),
    (1, "count_flows", lambda transaction: transaction.count_flows(new_id())),
    (1, "insert_activeflow", lambda transaction: transaction.insert_activeflow(plain_activeflow())),
    (1, "get_activeflow", lambda transaction: transaction.get_activeflow(KNOWN.id)),
    (1, "lock_activeflow", lambda transaction: (transaction.lock_activeflow(KNOWN.id), transaction.now())),
    (2, "save_activeflow", save),
    (1, "list_activeflows", lambda transaction: transaction.list_activeflows(Page(size=10))),
    (1, "running_by_reference", lambda transaction: transaction.running_by_reference(new_id())),
    (1, "append_steps", lambda transaction: transaction.append_steps(new_id(), [step(0), step(1)])),
    (1, "get_steps", lambda transaction: transaction.get_steps([new_id(), new_id()])),
    (2, "add_messages", lambda transaction: transaction.add_messages([message(new_id()), message(new_id())])),
    (1, "add_answer", lambda transaction: transaction.add_answer(new_id(), b"")),
    (5, "a whole step", whole_step),
]
BESIDE: list[tuple[str, Callable[[SqlStore], Any]]] = [
    ("get_answer", lambda store: store.get_answer("key")),
    ("unpublished", lambda store: store.unpublished([new_id(), new_id()])),
    ("published", lambda store: store.published([new_id(), new_id()])),
    ("heartbeat", lambda store: store.heartbeat(new_id())),
    ("due", lambda store: store.due(limit=10)),
    ("orphans", lambda store: store.orphans(seconds=10, limit=10)),
    ("late_messages", lambda store: store.late_messages(seconds=10, limit=10)),
]


@pytest.mark.parametrize(
    ("cost", "work"), [one[::2] for one in IN_TRANSACTION], ids=[name for _, name, _ in IN_TRANSACTION]
)
def test_an_operation_costs_its_statements_and_the_commit(lone_engines: Engines, cost: int, work: Work) -> None:
    with round_trips(lone_engines.transactions) as trips:
        SqlStore(lone_engines).run(work)
    assert trips == [cost + 1]


@pytest.mark.parametrize("work", [work for _, work in BESIDE], ids=[name for name, _ in BESIDE])
def test_an_operation_beside_transactions_costs_one_round_trip(lone_engines: Engines, work: Any) -> None:
    with round_trips(lone_engines.statements) as trips:
        work(SqlStore(lone_engines))
    assert trips == [1]


def test_a_failed_transaction_costs_one_rollback(lone_engines: Engines) -> None:
    def work(transaction: Transaction) -> None:
        transaction.now()
        raise LookupError

    with round_trips(lone_engines.transactions) as trips, pytest.raises(LookupError):
        SqlStore(lone_engines).run(work)
    assert trips == [2]


@pytest.mark.parametrize(
    ("cost", "work"), [one[::2] for one in IN_TRANSACTION], ids=[name for _, name, _ in IN_TRANSACTION]
)
def test_the_number_of_statements_is_the_same_everywhere(
    store: SqlStore, engines: Engines, cost: int, work: Work
) -> None:
    warm_up(store)
    with statements_on(engines.transactions, engines.statements) as sent:
        store.run(work)
    assert len([statement for statement in sent if not statement.startswith("BEGIN")]) == cost


def test_sessions_are_prepared_once(lone_engines: Engines) -> None:
    query = text("SELECT @@time_zone, @@innodb_lock_wait_timeout, @@character_set_client, @@sql_mode, @@autocommit")
    isolation = text("SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')")
    expected = ["+00:00", 5, "utf8mb4", "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"]
    for engine, autocommit in ((lone_engines.transactions, 0), (lone_engines.statements, 1)):
        with engine.connect() as connection:
            assert list(connection.execute(query).one()) == [*expected, autocommit]
            assert {row[1] for row in connection.execute(isolation)} == {"READ-COMMITTED"}
