"""How the database finds the rows: by keys and indexes, however many there are. Plans are read, nothing is timed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymysql.connections import Connection
from sqlalchemy import text

from flowmanager.core.activeflow import Activeflow, Driver, State, Wait
from flowmanager.ports import Page
from flowmanager.store.engine import Engines
from flowmanager.store.sql_store import SqlStore
from tests.contract.store_builders import NOON, add, full_flow, message, new_id, plain_activeflow, step

ROWS = 2000
FEW = 300
"""Of the rows at most so many may be looked at for one that is wanted."""
SEEN = ("SELECT", "UPDATE", "DELETE")
SMALL = frozenset({"workers"})
"""Tables with a row for each process."""

Use = Callable[[SqlStore, Activeflow], Any]


@pytest.fixture
def filled(mysql_engines: Engines) -> tuple[SqlStore, Activeflow]:
    """A store with many records that nobody wants, and one that somebody does."""
    store = SqlStore(mysql_engines)
    customers = [new_id() for _ in range(ROWS // 10)]
    for start in range(0, ROWS, 500):
        ended = [
            plain_activeflow(customer_id=customers[number % len(customers)], reference_id=new_id(), tm_end=NOON)
            for number in range(start, start + 500)
        ]
        add(store, *(one.evolve(state=State.ENDED) for one in ended))
        add(store, *(full_flow(customer_id=one.customer_id, tm_expire=None) for one in ended))
        store.run(lambda transaction: transaction.add_messages([message(new_id()) for _ in range(500)]))
    wanted = plain_activeflow(customer_id=new_id(), reference_id=new_id(), state=State.WAITING)
    add(store, wanted.evolve(wait=Wait(Driver.TIMER, NOON)))
    store.run(lambda transaction: transaction.append_steps(wanted.id, [step(number) for number in range(50)]))
    with mysql_engines.transactions.begin() as connection:
        connection.execute(text("ANALYZE TABLE activeflows, executed_actions, flows, outbox, answers"))
    return store, wanted


@contextmanager
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that go to the server, as they go."""
    texts: list[str] = []
    query = Connection.query

    def listening(connection: Any, sql: Any, *more: Any, **options: Any) -> Any:
        texts.extend(one.strip() for one in (sql if isinstance(sql, str) else sql.decode()).split("; "))
        return query(connection, sql, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "query", listening)
        yield texts


def plans(engines: Engines, statement: str) -> list[dict[str, Any]]:
    """What the database would do for a statement, a line for each table."""
    connection = engines.statements.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL {statement}")
        names = [one[0] for one in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    finally:
        connection.close()


def lock_and_save(store: SqlStore, wanted: Activeflow) -> None:
    """What a step does."""

    def work(transaction: Any) -> None:
        flow = transaction.lock_activeflow(wanted.id)
        transaction.save_activeflow(flow.evolve(executed_count=51))
        transaction.append_steps(flow.id, [step(50)])
        transaction.add_messages([message(flow.id)])

    store.run(work)
    store.published(store.unpublished([wanted.id]))


def purge_ended(store: SqlStore, _wanted: Activeflow) -> None:
    """What the retention does."""
    store.purge_ended(seconds=3600, limit=10)


USES: dict[str, Use] = {
    "a step and its events": lock_and_save,
    "an activeflow": lambda store, wanted: store.look(lambda one: one.get_activeflow(wanted.id)),
    "its history": lambda store, wanted: store.look(lambda one: one.get_with_steps(wanted.id)),
    "a flow": lambda store, _: store.look(lambda one: one.get_flow(new_id())),
    "an answer": lambda store, _: store.run(lambda one: one.get_answer("a key")),
    "a customer's activeflows": lambda store, wanted: store.look(
        lambda one: one.list_activeflows(Page(size=10, filters={"customer_id": wanted.customer_id}))
    ),
    "a customer's flows": lambda store, wanted: store.look(
        lambda one: one.list_flows(Page(size=10, filters={"customer_id": wanted.customer_id}))
    ),
    "the newest activeflows": lambda store, _: store.look(lambda one: one.list_activeflows(Page(size=10))),
    "activeflows of a reference": lambda store, wanted: store.run(
        lambda one: (one.running_by_reference(wanted.reference_id), one.lock_by_reference(wanted.reference_id))
    ),
    "due timers": lambda store, _: store.due(limit=100),
    "lost turns": lambda store, _: store.orphans(seconds=7, limit=100),
    "what has expired": lambda store, _: store.purge(limit=100),
}


def test_rows_are_found_without_looking_at_all_others(
    filled: tuple[SqlStore, Activeflow], mysql_engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of thousands of rows only those that are wanted, or a few, are looked at."""
    store, wanted = filled
    faults = []
    for use, act in USES.items():
        with sent(monkeypatch) as texts:
            act(store, wanted)
        asked = [one for one in texts if one.startswith(SEEN) and ("FROM" in one or one.startswith("UPDATE"))]
        assert asked, use
        found = [(use, one, line) for one in asked for line in plans(mysql_engines, one)]
        faults += [fault for fault in found if looks_at_many(fault[2])]
    assert faults == []


LOCKS = re.compile(r"UPDATE |DELETE |SELECT .* FOR UPDATE", re.DOTALL)
OF_A_STEP = {("SELECT", "activeflows"), ("UPDATE", "activeflows"), ("DELETE", "outbox")}
"""What a step and the publishing of its events lock, which must not be overlooked."""


@pytest.mark.parametrize("others", [0, 1, 3, 10])
def test_of_small_tables_only_what_is_wanted_is_locked(
    mysql_engines: Engines, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """A table that is read as a whole is locked as a whole, and whoever reads it waits for all who write."""
    store = SqlStore(mysql_engines)
    wanted = plain_activeflow(customer_id=new_id(), reference_id=new_id(), state=State.ENDED, tm_end=NOON)
    add(store, wanted, *(plain_activeflow(reference_id=new_id()) for _ in range(others)))
    store.run(lambda transaction: transaction.add_messages([message(new_id()) for _ in range(others)]))
    store.run(lambda transaction: transaction.add_messages([message(wanted.id) for _ in range(16)]))
    faults, locked = [], set()
    for use, act in {**USES, "what ended long ago": purge_ended}.items():
        with sent(monkeypatch) as texts:
            act(store, wanted)
        found = [(use, one, line) for one in texts if LOCKS.match(one) for line in plans(mysql_engines, one)]
        # Of what a query only looks at beside the rows that it locks, such as children, nothing is locked; MySQL 9 may
        # show that as a part of the query itself.
        found = [one for one in found if one[2]["table"] == table_of(one[1])]
        faults += [fault for fault in found if fault[2]["type"] == "ALL"]
        locked |= {(one.split()[0], line["table"]) for _, one, line in found}
    assert faults == []
    assert locked >= OF_A_STEP


def table_of(statement: str) -> str:
    """The table whose rows a statement locks."""
    found = re.search(r"(?:FROM|UPDATE)\s+(\w+)", statement)
    assert found
    return found[1]


def looks_at_many(line: dict[str, Any]) -> bool:
    """Whether a line of a plan means more rows than needed; a number may come with a share: `10 (5%)`."""
    if line["table"] in {None, *SMALL} or line["table"].startswith("<"):  # a page that was found before
        return False
    if line["type"] == "index" and line["key"] and "filesort" not in (line["Extra"] or ""):
        return False  # an index in its own order, up to the limit of the page
    return line["type"] == "ALL" or int(str(line["rows"] or 0).split()[0]) > FEW
