"""The least any worker must do: take a message, one raw transaction, answer, acknowledge. `python -m bench.limit`.

py-amqp and PyMySQL by hand, no routes, no checks, no events: nothing that a flow manager is for. Results are shown as
a ratio to it.
"""

from __future__ import annotations

import signal
import sys
from threading import Event, Thread
from typing import Any

import amqp
import orjson
import pymysql
from sqlalchemy import make_url

from bench.broker import connected
from flowmanager.store.encryption import encryption

TABLES = (
    "CREATE TABLE least (id INT PRIMARY KEY, cursor_id BINARY(16) NOT NULL, stack JSON NOT NULL, n BIGINT NOT NULL)",
    "CREATE TABLE least_history (least_id INT NOT NULL, seq BIGINT NOT NULL, action JSON NOT NULL,"
    " tm DATETIME(6) NOT NULL, PRIMARY KEY (least_id, seq))",
)
ROWS = 64
ACTION = orjson.dumps({"id": "x" * 36, "type": "talk", "option": {"text": "Welcome to the support line."}}).decode()
STACK = orjson.dumps({"frames": [orjson.loads(ACTION)] * 5}).decode()


class Least(Thread):
    """One thread with one connection to each server."""

    def __init__(self, order: dict[str, Any], number: int, stopping: Event) -> None:
        super().__init__(daemon=True)
        self.order, self.row, self.stopping = order, number % ROWS, stopping
        self.ready = Event()

    def run(self) -> None:
        """Serve until told to stop."""
        self.database, self.reader = connect(self.order["dsn"]), connect(self.order["dsn"], autocommit=True)
        broker = connected(self.order["url"])
        self.channel = broker.channel()
        self.channel.basic_qos(0, 1, False)
        self.channel.basic_consume(self.order["queue"], callback=self.handle)
        self.ready.set()
        while not self.stopping.is_set():
            try:
                broker.drain_events(timeout=0.2)
            except TimeoutError:
                continue

    def handle(self, message: Any) -> None:
        """Answer one request."""
        request = orjson.loads(message.body)
        answer = self.get() if request["uri"] == "/get" else self.next()
        body = orjson.dumps({"status_code": 200, "data_type": "application/json", "data": answer})
        properties = message.properties
        reply = amqp.Message(body, correlation_id=properties["correlation_id"])
        self.channel.basic_publish(reply, routing_key=properties["reply_to"])
        self.channel.basic_ack(message.delivery_tag)

    def get(self) -> Any:
        """Read a row."""
        with self.reader.cursor() as cursor:
            cursor.execute("SELECT id, cursor_id, stack, n FROM least WHERE id = %s", (self.row,))
            row = cursor.fetchone()
        assert row
        return {"id": row[0], "stack": orjson.loads(row[2]), "n": row[3]}

    def next(self) -> Any:
        """Lock a row, change it, append to the history, commit."""
        with self.database.cursor() as cursor:
            cursor.execute("SELECT id, cursor_id, stack, n FROM least WHERE id = %s FOR UPDATE", (self.row,))
            row = cursor.fetchone()
            assert row
            number = row[3] + 1
            cursor.execute("UPDATE least SET cursor_id = %s, n = %s WHERE id = %s", (row[1], number, self.row))
            cursor.execute(
                "INSERT INTO least_history VALUES (%s, %s, %s, UTC_TIMESTAMP(6))", (self.row, number, ACTION)
            )
        self.database.commit()
        return orjson.loads(row[2])["frames"][0]


def connect(dsn: str, *, autocommit: bool = False) -> Any:
    """Return a connection to the database."""
    url = make_url(dsn)
    return pymysql.connect(
        host=url.host or "127.0.0.1",
        port=url.port or 3306,
        user=url.username or "",
        password=url.password or "",
        database=url.database,
        autocommit=autocommit,
        init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        **encryption({key: str(value) for key, value in url.query.items()}),
    )


def prepare(dsn: str) -> None:
    """Make the tables and their rows."""
    database = connect(dsn)
    with database.cursor() as cursor:
        for statement in TABLES:
            cursor.execute(statement)
        rows = [(number, bytes(16), STACK, 0) for number in range(ROWS)]
        cursor.executemany("INSERT INTO least VALUES (%s, %s, %s, %s)", rows)
    database.commit()
    database.close()


def main() -> None:
    """Serve until SIGTERM."""
    order = orjson.loads(sys.argv[1])
    stopping = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    threads = [Least(order, number, stopping) for number in range(order["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.ready.wait(10)
    print("ready", flush=True)
    stopping.wait()


if __name__ == "__main__":
    main()
