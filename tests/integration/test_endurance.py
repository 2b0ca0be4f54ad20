"""A flood, a long night, and secrets: what a worker does over time, as processes on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import create_engine, text

from flowmanager.transport.envelope import Letter
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.processes import Installation, Program, act, free_port, migrated
from tests.services import Services

SECONDS = 90.0
THREADS = 2
CAPACITY = 30
"""Requests in a second that two threads manage at least."""
BURST = 10 * CAPACITY
SECRET = "s3cr3t-pa55"
HELD_BYTES = 12_000_000
"""More than this longer bursts must not add to the memory of a process; each of them is of 60 MB."""


@pytest.fixture(scope="module")
def installation(services: Services) -> Iterator[Installation]:
    with migrated(services) as made:
        yield made


def run(dsn: str, statement: str) -> int:
    """Run a statement and return its number."""
    engine = create_engine(dsn)
    try:
        with engine.begin() as connection:
            found = connection.execute(text(statement))
            return int(found.scalar_one()) if found.returns_rows else found.rowcount
    finally:
        engine.dispose()


def resident(program: Program) -> int:
    """The memory of a process at its highest, in bytes."""
    lines = Path(f"/proc/{program.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_a_burst_of_ten_times_the_capacity_drains(installation: Installation) -> None:
    """Each request is carried out once; never is more in hand than there are threads, and the memory stays.

    A first burst shows how much the work in hand takes; one that lasts longer must not take more.
    """
    # The bursts are of two customers: the second must not be moved, which would take many messages in hand at once.
    program = installation.serve(threads=THREADS, FLOWMANAGER_FAIR="false")
    drain(installation, BURST)
    before = resident(program)
    for _ in range(3):
        drain(installation, 2 * BURST)
    assert resident(program) - before < HELD_BYTES
    assert program.stop() == 0


def drain(installation: Installation, size: int) -> None:
    """Put so many requests into the queue at once and wait until all are done; check what is in hand meanwhile."""
    customer = str(uuid4())
    theirs = f"customer_id = UNHEX('{customer.replace('-', '')}')"
    with closing(Session(installation.url)) as session:
        publisher, channel = LanePublisher(session, confirm_seconds=SECONDS), session.channel()
        letters = [Letter(body=creation(customer, n), routing_key=installation.names.request) for n in range(size)]
        publisher.send(letters)
        most = 0

        def drained() -> bool:
            # In this order: what is done in between counts as done, and never twice.
            nonlocal most
            left = channel.queue_declare(installation.names.request, passive=True).message_count
            made = run(installation.dsn, f"SELECT COUNT(*) FROM flows WHERE {theirs}")
            most = max(most, size - left - made)
            return made == size

        eventually(drained, seconds=SECONDS)
    assert most <= THREADS
    assert run(installation.dsn, f"SELECT COUNT(DISTINCT name) FROM flows WHERE {theirs}") == size


def creation(customer: str, number: int) -> bytes:
    """A request of 100 kB that stores a flow."""
    actions = [act("talk", text="x" * 100_000)]
    envelope = {"uri": "/v1/flows", "method": "POST", "publisher": "api-manager", "data_type": "application/json"}
    flow = {"customer_id": customer, "persist": True, "name": str(number), "actions": actions}
    return orjson.dumps({**envelope, "request_id": str(uuid4()), "data": flow})


def test_a_timer_that_was_set_before_a_restart_fires_after_it(installation: Installation) -> None:
    """It stands in the database: killed without a warning, nothing runs, and the next process goes on."""
    first = installation.serve(threads=1)
    client = installation.client()
    waiting = client.activeflow(client.flow([act("sleep", duration=3_600_000), act("stop")]))
    client.ask("POST", f"/v1/activeflows/{waiting}/execute")
    eventually(lambda: client.show(waiting)["state"] == "waiting")
    first.kill()
    assert back(installation, waiting, hours=1) == 1
    second = installation.serve(threads=1)
    shown = client.until_ended(waiting, seconds=SECONDS)
    assert [one["type"] for one in shown["executed_actions"]] == ["sleep", "stop"]
    assert second.stop() == 0


def test_twenty_five_hours_of_waiting_change_nothing(installation: Installation) -> None:
    """Variables, history and place are as they were: what waits is not forgotten after a day."""
    program = installation.serve(threads=1)
    client = installation.client()
    flow = client.flow([act("variable_set", key="kept", value="yes"), act("talk", text="hello"), act("stop")])
    waiting = client.activeflow(flow, variables={"given": "too"})
    client.ask("GET", f"/v1/activeflows/{waiting}/next", {"current_action_id": str(uuid4())}, expect=409)
    first = client.ask("GET", f"/v1/activeflows/{waiting}/next", {"current_action_id": START})
    before = client.show(waiting)
    assert back(installation, waiting, hours=25) == 1
    program.stop()
    program = installation.serve(threads=1)
    after = client.show(waiting)
    times = {key for key in before if key.startswith("tm_")}
    assert {key: after[key] for key in before if key not in times and key != "executed_actions"} == {
        key: before[key] for key in before if key not in times and key != "executed_actions"
    }
    assert after["variables"]["kept"] == "yes"
    assert after["variables"]["given"] == "too"
    client.ask("GET", f"/v1/activeflows/{waiting}/next", {"current_action_id": first["id"]})
    assert client.until_ended(waiting)["error"] is None
    assert program.stop() == 0


START = "00000000-0000-0000-0000-000000000001"


def back(installation: Installation, activeflow_id: str, *, hours: int) -> int:
    """Move everything that an activeflow knows of times back; return how many there were."""
    columns = ("tm_execute", "tm_create", "tm_update", "wait_until")
    moved = ", ".join(f"{column} = {column} - INTERVAL {hours} HOUR" for column in columns)
    run(installation.dsn, "UPDATE answers SET tm_expire = tm_expire - INTERVAL 25 HOUR")
    key = activeflow_id.replace("-", "")
    return run(installation.dsn, f"UPDATE activeflows SET {moved} WHERE id = UNHEX('{key}')")


def with_password(url: str, port: int = 0) -> str:
    """The address with a password that is wrong, at another port if one is given."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:{SECRET}@{parts.hostname}:{port or parts.port}").geturl()


COMMANDS = (("serve", "--threads", "1"), ("migrate",), ("rpc", "GET", "/v1/flows", "--seconds", "1"), ("doctor",))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_passwords_are_never_told(installation: Installation, command: tuple[str, ...]) -> None:
    """Wrong, or for a server that is not there, in no log line, error or output."""
    wrong, nowhere = 0, free_port()
    broken = [
        ("database_unavailable", {"DATABASE_DSN": with_password(installation.dsn, port)}) for port in (wrong, nowhere)
    ] + [
        ("broker_unavailable", {"RABBITMQ_ADDRESS": with_password(installation.url, port)}) for port in (wrong, nowhere)
    ]
    programs = [(event, installation.start(*command, **settings)) for event, settings in broken]
    for event, program in programs:
        if command[0] == "serve":
            program.said(event)
            program.stop()
        program.wait(seconds=SECONDS)
        assert SECRET not in program.err + program.out
