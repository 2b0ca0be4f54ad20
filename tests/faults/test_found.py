"""What runs with faults have found, each in its smallest form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from time import sleep
from typing import Any
from uuid import uuid4

import pytest

from flowmanager.transport.envelope import PERSISTENT, Letter
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from flowmanager.transport.topology import QUORUM_ARGUMENTS

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
