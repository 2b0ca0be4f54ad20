"""The remembered descriptions of results: what comes out is what the driver itself makes of the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from socket import socketpair
from typing import Any

import pytest
from pymysql.connections import Connection
from pymysql.constants import CLIENT
from pymysql.err import OperationalError
from sqlalchemy import make_url

from flowmanager.sockets import limit_writes
from flowmanager.store import driver
from flowmanager.store.driver import RememberingConnection, size_of

LIMIT = 30
WIDE = ", ".join(
    f"{number} AS a_column_with_a_long_name_so_that_many_bytes_describe_it_{number}" for number in range(300)
)
QUERIES = (
    "SELECT 1 AS a, 'text' AS b, NULL AS c",
    "SELECT 1 AS a, 'text' AS b, NOW() AS c",
    "SELECT 2 AS a, 'other' AS b, NULL AS c UNION ALL SELECT 3, 'x', NULL",
    "SELECT 1 AS other, 'text' AS b, NULL AS c",
    "SELECT UNHEX('00FF') AS bytes, CAST(1.5 AS DECIMAL(5,2)) AS number",
    f"SELECT {WIDE}",
    "SELECT REPEAT('y', 100000) AS long_text",
    "SELECT 1 AS a WHERE FALSE",
)


@pytest.fixture
def arguments(fresh_database: str) -> dict[str, Any]:
    url = make_url(fresh_database)
    place = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
    return {**place, "database": url.database, "autocommit": True, "client_flag": CLIENT.MULTI_STATEMENTS}


@pytest.fixture
def both(arguments: dict[str, Any]) -> Iterator[tuple[Connection, Connection]]:
    """The driver's own connection and ours."""
    ours = RememberingConnection(**arguments, read_timeout=LIMIT, write_timeout=LIMIT)
    with closing(Connection(**arguments)) as plain, closing(ours) as remembering:
        yield plain, remembering


def results(connection: Connection, text: str) -> list[Any]:
    """Each result of some statements: names and kinds of its columns, and its rows; times without their seconds."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(text)
        while True:
            rows = [tuple(type(one) if hasattr(one, "year") else one for one in row) for row in cursor.fetchall()]
            found.append((cursor.description, rows))
            if not cursor.nextset():
                return found


@pytest.mark.parametrize("query", QUERIES)
def test_a_result_is_the_same_each_time(both: tuple[Connection, Connection], query: str) -> None:
    """The first time its description is read, afterwards it is known."""
    plain, remembering = both
    for _ in range(3):
        assert results(remembering, query) == results(plain, query)


def test_results_of_several_statements_are_the_same(both: tuple[Connection, Connection]) -> None:
    """Whatever stands before and after."""
    plain, remembering = both
    for order in (QUERIES, QUERIES[::-1], QUERIES[2:6] * 3):
        text = "; ".join(order)
        assert results(remembering, text) == results(plain, text)


def test_a_column_that_changes_is_seen(both: tuple[Connection, Connection]) -> None:
    """A migration beside a running worker."""
    plain, remembering = both
    results(plain, "CREATE TABLE changing (a INT, b INT)")
    results(plain, "INSERT INTO changing VALUES (1, 2)")
    for change in ("MODIFY b VARCHAR(10)", "CHANGE b c VARCHAR(10)", "ADD d INT", "DROP a"):
        before = results(remembering, "SELECT * FROM changing")
        results(plain, f"ALTER TABLE changing {change}")
        after = results(remembering, "SELECT * FROM changing")
        assert after == results(plain, "SELECT * FROM changing") != before


def test_known_descriptions_are_not_read_again(both: tuple[Connection, Connection], monkeypatch: Any) -> None:
    """That is what it is for; and what is remembered has a limit."""
    _, remembering = both
    results(remembering, QUERIES[0])
    read: list[str] = []
    monkeypatch.setattr(driver.PlainResult, "_get_descriptions", lambda _result: read.append("read"))
    results(remembering, QUERIES[0])
    assert read == []


def test_no_more_is_remembered_than_the_limit(both: tuple[Connection, Connection], monkeypatch: Any) -> None:
    """Queries of people and tools may be of any form."""
    plain, remembering = both
    monkeypatch.setattr(driver, "KNOWN", {})
    monkeypatch.setattr(driver, "MOST", 5)
    for number in range(20):
        query = f"SELECT 1 AS a{number}"
        assert results(remembering, query) == results(plain, query)
    assert sum(map(len, driver.KNOWN.values())) == 5


def test_an_error_after_a_known_result_is_the_drivers(both: tuple[Connection, Connection]) -> None:
    """The connection can be used afterwards, as the driver's."""
    for connection in both:
        results(connection, QUERIES[0])
        with pytest.raises(Exception, match="nowhere"):
            results(connection, f"{QUERIES[0]}; SELECT 1 FROM nowhere")
        assert results(connection, QUERIES[0])


def test_connections_that_check_nothing_share_what_encrypts_them(arguments: dict[str, Any]) -> None:
    """And read no authorities for it, which nobody asks: the driver does for each of them."""
    with closing(RememberingConnection(**arguments)) as one, closing(RememberingConnection(**arguments)) as other:
        assert one.ctx is other.ctx
        assert one.ctx.cert_store_stats()["x509"] == 0


@pytest.mark.parametrize("limits", [{"read_timeout": 1}, {"read_timeout": 1, "write_timeout": 1}])
def test_a_server_that_falls_silent_is_a_lost_connection(arguments: dict[str, Any], limits: dict[str, Any]) -> None:
    """Not an error of the socket, which nobody above expects; whoever keeps the time."""
    connection = RememberingConnection(**arguments, **limits)
    with closing(connection), pytest.raises(OperationalError, match="2013"):
        results(connection, "SELECT SLEEP(10)")


def test_a_server_that_takes_nothing_is_a_lost_connection(arguments: dict[str, Any]) -> None:
    """The limit of a write: its buffers are full, and it reads no more."""
    ours, theirs = socketpair()
    limit_writes(ours, 0.2)
    with closing(RememberingConnection(**arguments, read_timeout=1, write_timeout=1)) as connection, theirs:
        connection._sock.close()
        connection._sock = ours
        with pytest.raises(OperationalError, match="2006"):
            results(connection, f"SELECT '{'x' * 20_000_000}'")


def test_packets_are_measured_only_when_they_are_there() -> None:
    """Three bytes of length, one number."""
    packets = b"\x02\0\0\1ab" + b"\0\0\0\2" + b"\1\0\0\3c"
    assert [size_of(packets, count) for count in (1, 2, 3, 4)] == [6, 10, 15, 0]
    assert [size_of(packets[:cut], 3) for cut in range(15)] == [0] * 15
