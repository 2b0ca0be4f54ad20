"""What is left at the end of a run: the rows of the database, and the messages in the queues."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from amqp import Connection as Wire
from sqlalchemy import Connection, Row, create_engine, text

from flowmanager.transport.dead import DeadQueue
from flowmanager.transport.envelope import REASON
from flowmanager.transport.link import MALFORMED
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session
from tests.faults.clock import NOW
from tests.faults.history import Json

DOCUMENTS = frozenset({"variables", "current_action", "action"})
SHOWN = (
    *("id", "customer_id", "flow_id", "reference_id", "reference_activeflow_id", "on_complete_flow_id"),
    *("after_reference", "state", "wait_driver", "wait_until", "owner", "fence", "execute_count", "executed_count"),
    *("complete_count", "ended_reason", "tm_create", "tm_end", "tm_delete", "variables", "current_action"),
)
STEP = ("activeflow_id", "seq", "action", "result", "cause", "error", "tm_execute", "tm_end")


def rows_of(dsn: str) -> Json:
    """Return all activeflows with their histories, and how much is in the outbox."""
    engine = create_engine(dsn)
    try:
        with engine.connect() as connection:
            return read_rows(connection)
    finally:
        engine.dispose()


def read_rows(connection: Connection) -> Json:
    """Read everything in one transaction."""
    found: Json = {"activeflows": read(connection, f"SELECT {', '.join(SHOWN)} FROM activeflows"), "steps": {}}
    found["flows"] = read(connection, "SELECT id, customer_id, tm_delete FROM flows WHERE persist")
    for step in read(connection, f"SELECT {', '.join(STEP)} FROM executed_actions ORDER BY activeflow_id, seq"):
        found["steps"].setdefault(step["activeflow_id"], []).append(step)
    found["outbox"] = connection.execute(text("SELECT COUNT(*) FROM outbox")).scalar_one()
    found["now"] = connection.execute(text(f"SELECT {NOW}")).scalar_one().isoformat()
    return found


def read(connection: Connection, query: str) -> list[Json]:
    """Return rows as JSON."""
    return [shown(row) for row in connection.execute(text(query))]


def shown(row: Row[Any]) -> Json:
    """Return a row as JSON."""
    return {str(name): readable(str(name), value) for name, value in row._mapping.items()}


def readable(name: str, value: Any) -> Any:
    """Return one value as JSON has it: ids as uuids, times as texts, documents as what they hold."""
    if name in DOCUMENTS:
        return orjson.loads(value) if isinstance(value, str | bytes) else value
    if isinstance(value, bytes):
        return str(UUID(bytes=value))
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return bool(value) if name == "after_reference" else value


def pending(dsn: str) -> int:
    """Return how many activeflows can still move by themselves, and how many messages wait to be published."""
    query = (
        "SELECT (SELECT COUNT(*) FROM activeflows WHERE state = 'executing' OR wait_driver = 'timer'"
        " OR (state = 'waiting' AND wait_until IS NOT NULL)) + (SELECT COUNT(*) FROM outbox)"
    )
    engine = create_engine(dsn)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())
    finally:
        engine.dispose()


def versions(dsn: str, url: str) -> str:
    """Say which servers these are."""
    engine = create_engine(dsn)
    try:
        with engine.connect() as connection:
            version = str(connection.execute(text("SELECT VERSION()")).scalar_one())
    finally:
        engine.dispose()
    broker = broker_version(url)
    kind = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return f"{kind} {version.partition('-')[0]}, RabbitMQ {broker}"


def broker_version(url: str) -> str:
    """Return what a broker says that it is."""
    parts = urlsplit(url)
    wire = Wire(f"{parts.hostname}:{parts.port}", userid=parts.username, password=parts.password)
    with closing(wire):
        wire.connect()
        return str(wire.server_properties["version"])


def queue_sizes(url: str, names: Names) -> dict[str, int]:
    """Return how many messages each of flow-manager's queues holds."""
    with closing(Session(url)) as session, session.guard():
        channel = session.channel()
        queues = (*names.queues, names.crowd)
        sizes = {queue: int(channel.queue_declare(queue, passive=True).message_count) for queue in queues}
        return {**sizes, names.dead: parked_faults(session, names)}


def parked_faults(session: Session, names: Names) -> int:
    """Return how many messages are parked for another reason than that nobody can read them."""
    dead = DeadQueue(session, names=names)
    reasons = [str(parked.headers.get(REASON)) for parked in dead.take(dead.size())]
    return sum(not reason.startswith(MALFORMED) for reason in reasons)
