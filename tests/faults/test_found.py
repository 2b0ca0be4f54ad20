"""What runs with faults have found, each in its smallest form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from time import sleep
from typing import Any
from uuid import uuid4

import pytest

from flowmanager.errors import BrokerLost, StoreLost
from flowmanager.transport.envelope import PERSISTENT, Letter
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from flowmanager.transport.topology import QUORUM_ARGUMENTS
from tests.desk import Desk, Killed, act, talk
from tests.integration.conftest import desk, desk_engines, mysql_engines, sqlite_engines

__all__ = ["desk", "desk_engines", "mysql_engines", "sqlite_engines"]

RETURNS = 25
"""RabbitMQ 4 drops a message of a replicated queue at its 20th return, unless it is told otherwise."""


@pytest.fixture
def session(rabbitmq_address: str) -> Iterator[Session]:
    """A connection."""
    with closing(Session(rabbitmq_address)) as opened:
        yield opened


def taken(channel: Any, queue: str) -> Any:
    """The next message of a queue; a replicated queue needs a moment to have it again."""
    for _ in range(250):
        message = channel.basic_get(queue)
        if message is not None:
            return message
        sleep(0.02)
    return None


def test_a_replicated_queue_keeps_a_message_however_often_it_is_returned(session: Session) -> None:
    """Seed 31: an event was gone after its worker's connection broke, on RabbitMQ 3, which took `no limit` for -1."""
    channel, queue = session.channel(), f"test-{uuid4().hex}"
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=QUORUM_ARGUMENTS)
    try:
        LanePublisher(session).send([Letter(body=b"x", routing_key=queue, properties={"delivery_mode": PERSISTENT})])
        for _ in range(RETURNS):
            message = taken(channel, queue)
            assert message is not None
            channel.basic_reject(message.delivery_tag, requeue=True)
        assert taken(channel, queue) is not None
    finally:
        channel.queue_delete(queue)


def test_a_turn_whose_early_answer_cannot_be_sent_is_not_forgotten(desk: Desk) -> None:
    """Seed 210: the broker was killed as a worker answered `execute`, and with it the request, which it did not keep.

    The caller's repeat got the answer that was kept. The worker lived, so nobody took the turn over.
    """
    run = desk.start(act("email_send", subject="x"), talk("two"))
    desk.outside.teach("email *")
    desk.outside.down = True
    with pytest.raises(BrokerLost):
        run.execute(request_id="one")
    desk.outside.down = False
    assert run.state == "executing"
    assert run.execute(request_id="one").status == 200
    desk.store.heartbeat(desk.worker_id)
    desk.sweep()
    assert (run.at, run.history) == ("two", ["email_send done"])


def test_a_turn_that_cannot_even_be_given_up_is_not_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found beside seed 210: the database was lost while a turn was ended that a timer had begun."""
    run = desk.start(act("sleep", duration=1000), act("email_send", subject="x"), talk("two"))
    desk.outside.teach("email *")
    run.execute()
    desk.later(2)
    turns = type(desk.router.app.turns)
    broken, lost = turns.carry_on, turns.give_up
    monkeypatch.setattr(turns, "carry_on", raising(RuntimeError("a fault")))
    monkeypatch.setattr(turns, "give_up", raising(StoreLost("gone")))
    with pytest.raises(StoreLost):
        desk.sweep()
    monkeypatch.setattr(turns, "carry_on", broken)
    monkeypatch.setattr(turns, "give_up", lost)
    assert run.state == "executing"
    desk.store.heartbeat(desk.worker_id)
    desk.sweep()
    assert (run.at, run.history) == ("two", ["sleep done", "email_send done"])


def test_a_jump_that_was_acknowledged_is_made(desk: Desk) -> None:
    """Found beside seed 210: a worker died as it answered `forward_now`; only afterwards it made the flow move."""
    run = desk.start(act("block"), talk("no"), act("sleep", duration=60_000), reference_type="api")
    run.execute()
    target = run.find("sleep")
    desk.outside.dies_after_commit = True
    with pytest.raises(Killed):
        run.forward(target, now=True, request_id="jump")
    desk.outside.dies_after_commit = False
    assert (run.at, run.history) == ("sleep", ["block interrupted"])
    assert run.forward(target, now=True, request_id="jump", redelivered=True).status == 200
    assert (run.at, run.history) == ("sleep", ["block interrupted"])


def raising(error: Exception) -> Any:
    """A method that raises."""

    def method(*_: Any) -> Any:
        raise error

    return method
