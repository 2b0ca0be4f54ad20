"""What goes wrong with a database, and how the store gets over it."""

from __future__ import annotations

import sqlite3
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Event
from time import sleep

import pymysql
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, ResourceClosedError

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.stacks import StackMap
from flowmanager.errors import Contention, FlowManagerError, InvalidRequest, StoreLost
from flowmanager.ports import Transaction
from flowmanager.store.encryption import encryption
from flowmanager.store.engine import Engines, make_engine, make_engines
from flowmanager.store.faults import meaning_of, translated
from flowmanager.store.migrate import migrate
from flowmanager.store.sql_store import ATTEMPTS, SqlStore
from tests.contract.store_builders import action, cut_others, full_flow, new_id, plain_activeflow

WAIT_SECONDS = 10.0


def stored(store: SqlStore) -> Activeflow:
    activeflow = plain_activeflow()
    store.run(lambda transaction: transaction.insert_activeflow(activeflow))
    return activeflow


def kill_connections(engines: Engines) -> None:
    """Have the server close every connection to this database."""
    with engines.statements.connect() as connection:
        cut_others(connection)
    engines.statements.dispose()


def test_a_deadlock_is_run_again(mysql_store: SqlStore) -> None:
    first, second = stored(mysql_store), stored(mysql_store)
    both_hold_one = Barrier(2)
    attempts: list[str] = []

    def lock_both(name: str, one: Activeflow, other: Activeflow) -> None:
        def work(transaction: Transaction) -> None:
            attempts.append(name)
            transaction.lock_activeflow(one.id)
            if attempts.count(name) == 1:
                both_hold_one.wait(WAIT_SECONDS)
            locked = transaction.lock_activeflow(other.id)
            assert locked is not None
            transaction.save_activeflow(locked.evolve(execute_count=locked.execute_count + 1))

        mysql_store.run(work)

    with ThreadPoolExecutor() as threads:
        forward = threads.submit(lock_both, "forward", first, second)
        backward = threads.submit(lock_both, "backward", second, first)
        forward.result()
        backward.result()
    assert len(attempts) == 3
    found = mysql_store.run(
        lambda transaction: [transaction.get_activeflow(first.id), transaction.get_activeflow(second.id)]
    )
    assert [one.execute_count for one in found if one] == [1, 1]


def test_a_lock_wait_that_runs_out_is_run_again(mysql_dsn: str, mysql_store: SqlStore) -> None:
    activeflow = stored(mysql_store)
    impatient = make_engines(mysql_dsn)
    with impatient.transactions.connect() as connection:
        connection.execute(text("SET innodb_lock_wait_timeout = 1"))
        connection.commit()
    locked, again, attempts = Event(), Event(), []

    def hold(transaction: Transaction) -> None:
        transaction.lock_activeflow(activeflow.id)
        locked.set()
        assert again.wait(WAIT_SECONDS), "the lock wait never ran out"

    def follow(transaction: Transaction) -> None:
        attempts.append(1)
        if len(attempts) == 2:
            again.set()
        transaction.lock_activeflow(activeflow.id)

    with ThreadPoolExecutor() as threads:
        holder = threads.submit(mysql_store.run, hold)
        assert locked.wait(WAIT_SECONDS)
        SqlStore(impatient).run(follow)
        holder.result()
    impatient.dispose()
    assert len(attempts) == 2


def test_contention_ends_after_some_attempts(store: SqlStore) -> None:
    attempts = []

    def work(transaction: Transaction) -> None:
        attempts.append(transaction.now())
        raise Contention

    with pytest.raises(Contention):
        store.run(work)
    assert len(attempts) == ATTEMPTS


def test_a_lost_connection_is_reported_and_replaced(mysql_store: SqlStore, mysql_engines: Engines) -> None:
    activeflow = stored(mysql_store)

    def work(transaction: Transaction) -> None:
        transaction.lock_activeflow(activeflow.id)
        kill_connections(mysql_engines)
        transaction.save_activeflow(activeflow.evolve(fence=1))

    with pytest.raises(StoreLost) as lost:
        mysql_store.run(work)
    assert not isinstance(lost.value, Contention)
    assert isinstance(lost.value.__cause__, DBAPIError)
    assert mysql_store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) == activeflow


def test_a_connection_lost_before_the_commit_is_reported(mysql_store: SqlStore, mysql_engines: Engines) -> None:
    activeflow = plain_activeflow()

    def work(transaction: Transaction) -> None:
        transaction.insert_activeflow(activeflow)
        kill_connections(mysql_engines)

    with pytest.raises(StoreLost):
        mysql_store.run(work)
    assert mysql_store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) is None


def test_idle_connections_that_died_cost_one_failure_for_all(mysql_store: SqlStore, mysql_engines: Engines) -> None:
    together = Barrier(3)
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(mysql_store.run, lambda _: together.wait(WAIT_SECONDS)) for _ in range(3)]:
            done.result()
    kill_connections(mysql_engines)
    with pytest.raises(StoreLost):
        mysql_store.run(lambda transaction: transaction.now())
    for _ in range(3):
        mysql_store.run(lambda transaction: transaction.now())


def test_a_lost_connection_beside_transactions_is_replaced_too(mysql_store: SqlStore, mysql_engines: Engines) -> None:
    assert mysql_store.get_answer("key") is None
    with mysql_engines.transactions.connect() as connection:
        cut_others(connection)
    with pytest.raises(StoreLost):
        mysql_store.get_answer("key")
    assert mysql_store.get_answer("key") is None


def test_a_silent_server_is_taken_for_dead(mysql_dsn: str) -> None:
    engines = make_engines(mysql_dsn, statement_seconds=0.5)
    with pytest.raises(StoreLost), translated(), engines.transactions.begin() as connection:
        connection.execute(text("SELECT SLEEP(5)"))
    engines.dispose()


@pytest.mark.parametrize("dsn", ["mysql://u:secret@127.0.0.1:1/x", "sqlite:////nowhere/at/all.db"])
def test_a_database_that_cannot_be_reached_is_lost(dsn: str) -> None:
    store = SqlStore(make_engines(dsn))
    with pytest.raises(StoreLost) as lost:
        store.run(lambda transaction: transaction.now())
    assert "secret" not in str(lost.value)
    with pytest.raises(StoreLost):
        store.get_answer("key")


@pytest.mark.parametrize(("mode", "encrypted"), [("false", False), ("preferred", None)])
def test_encryption_is_a_choice(mysql_dsn: str, mode: str, encrypted: bool | None) -> None:
    engine = make_engine(f"{mysql_dsn}&tls={mode}")
    with engine.connect() as connection:
        cipher = connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1]
    engine.dispose()
    assert encrypted is None or bool(cipher) is encrypted


def test_a_server_that_cannot_prove_its_name_is_refused(mysql_dsn: str) -> None:
    engine = make_engine(f"{mysql_dsn}&tls=true")
    with pytest.raises(StoreLost), translated(), engine.connect():
        pass


@pytest.mark.parametrize(("mode", "verified"), [("true", ssl.CERT_REQUIRED), ("skip-verify", ssl.CERT_NONE)])
def test_certificates_are_checked_unless_told_otherwise(mode: str, verified: ssl.VerifyMode) -> None:
    assert encryption({"tls": mode})["ssl"].verify_mode is verified


def test_a_used_up_pool_is_reported(mysql_dsn: str) -> None:
    engines = make_engines(mysql_dsn, pool_size=1, pool_seconds=0.1)
    store = SqlStore(engines)
    with pytest.raises(StoreLost):
        store.run(lambda _: store.run(lambda transaction: transaction.now()))
    store.close()


def test_data_that_do_not_fit_are_the_requests_fault(mysql_store: SqlStore) -> None:
    nested: list[object] = []
    for _ in range(150):
        nested = [nested]
    deep = plain_activeflow(stacks=StackMap.of((action({"nested": nested}),)))
    with pytest.raises(InvalidRequest):
        mysql_store.run(lambda transaction: transaction.insert_activeflow(deep))
    with pytest.raises(InvalidRequest):
        mysql_store.run(lambda transaction: transaction.insert_flow(full_flow(name="n" * 256)))


def test_a_mistake_of_ours_passes_as_it_is(store: SqlStore, engines: Engines) -> None:
    with pytest.raises(DBAPIError), translated(), engines.statements.connect() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    with pytest.raises(DBAPIError):
        store.run(lambda transaction: transaction.insert_flow(full_flow(name=None)))
    with pytest.raises(DBAPIError):
        store.run(lambda transaction: transaction.add_answer("key", None))  # type: ignore[arg-type]  # the mistake
    assert meaning_of(ResourceClosedError("x")) is None


@pytest.mark.parametrize("code", [1021, 1047, 1114, 1290])
def test_a_server_that_cannot_write_is_lost_and_the_change_not_made(
    mysql_store: SqlStore, mysql_engines: Engines, code: int
) -> None:
    """Its disk is full, it became read-only, it left its cluster: the server's own errors, raised by a trigger."""
    activeflow = stored(mysql_store)
    refusal = f"BEGIN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'no room'; END"
    trigger = f"CREATE TRIGGER refusal BEFORE UPDATE ON activeflows FOR EACH ROW {refusal}"
    with ddl(mysql_engines, trigger), pytest.raises(StoreLost, match="no room"):
        mysql_store.run(lambda transaction: change(transaction, activeflow))
    assert mysql_store.run(lambda transaction: transaction.get_activeflow(activeflow.id)) == activeflow
    mysql_store.run(lambda transaction: change(transaction, activeflow))


def change(transaction: Transaction, activeflow: Activeflow) -> None:
    transaction.lock_activeflow(activeflow.id)
    transaction.save_activeflow(activeflow.evolve(fence=activeflow.fence + 1))


@contextmanager
def ddl(engines: Engines, statement: str) -> Iterator[None]:
    with engines.transactions.begin() as connection:
        connection.exec_driver_sql(statement)
    try:
        yield
    finally:
        with engines.transactions.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER refusal")


@pytest.mark.parametrize("code", [1205, 1213])
def test_contention_is_known_by_its_number(code: int) -> None:
    assert isinstance(meaning(pymysql.err.OperationalError(code, "x")), Contention)


@pytest.mark.parametrize("code", [1040, 1045, 1053, 1290, 1317, 2002, 2003, 2006, 2013, 4031])
def test_a_lost_server_is_known_by_its_number(code: int) -> None:
    found = meaning(pymysql.err.OperationalError(code, "x"))
    assert isinstance(found, StoreLost)
    assert found.facts == {"code": code, "why": "x"}


@pytest.mark.parametrize("told", ["database is locked", "database table is locked: flows"])
def test_a_locked_file_is_contention(told: str) -> None:
    assert isinstance(meaning(sqlite3.OperationalError(told)), Contention)


@pytest.mark.parametrize(
    "told",
    ["unable to open database file", "disk I/O error", "attempt to write a readonly database", "database is full"],
)
def test_an_unusable_file_is_a_lost_database(told: str) -> None:
    assert type(meaning(sqlite3.OperationalError(told))) is StoreLost


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("no such table: x"), pymysql.err.ProgrammingError(1146, "x")]
)
def test_anything_else_has_no_meaning(error: Exception) -> None:
    assert meaning(error) is None


def meaning(error: Exception) -> FlowManagerError | None:
    return meaning_of(OperationalError("SELECT 1", {}, error))


def test_a_file_that_others_hold_is_waited_for(tmp_path: Path) -> None:
    engines = make_engines(f"sqlite:///{tmp_path}/held.db")
    migrate(engines.transactions)
    holder = sqlite3.connect(tmp_path / "held.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    store, key = SqlStore(engines), new_id()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(store.run, lambda transaction: transaction.add_answer(key, b""))
        sleep(0.2)
        assert not waiting.done()
        holder.execute("ROLLBACK")
        waiting.result()
    holder.close()
    assert store.get_answer(key) == b""
    store.close()
