"""How often the system is called for a message: counted at the socket, never timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowmanager.transport.envelope import Delivery, Letter
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.link import Link
from flowmanager.transport.session import Session
from tests.broker_room import Room, event, eventually, open_room


@pytest.fixture
def room(rabbitmq_address: str) -> Iterator[Room]:
    with open_room(rabbitmq_address) as room:
        yield room


class Calls:
    """Counts what a connection reads and writes."""

    def __init__(self, session: Session) -> None:
        transport: Any = session._wire.transport
        self.sent: list[int] = []
        self.received: list[int] = []
        transport._write = self.counted(transport._write, self.sent, len)
        transport._quick_recv = self.counted(transport._quick_recv, self.received, int)

    def counted(
        self, call: Callable[[Any], Any], counts: list[int], size: Callable[[Any], int]
    ) -> Callable[[Any], Any]:
        def counting(argument: Any) -> Any:
            counts.append(size(argument))
            return call(argument)

        return counting


def taken(inbox: Inbox) -> Delivery:
    """The next message, once it is there."""
    found: list[Delivery] = []

    def is_there() -> bool:
        found.extend(filter(None, [inbox.take(0.05)]))
        return bool(found)

    eventually(is_there)
    return found[0]


def test_a_batch_of_events_is_written_at_once(room: Room) -> None:
    link = room.link()
    calls = Calls(link._session)
    link.publisher.publish([event(number) for number in range(20)])
    assert len(calls.sent) == 1


def test_a_batch_of_large_messages_is_not_kept_whole(room: Room) -> None:
    link = room.link()
    calls = Calls(link._session)
    letters = [Letter(body=b"x" * 100_000, routing_key=room.names.request) for _ in range(10)]
    link.publisher.send(letters)
    assert sum(calls.sent) > 1_000_000
    assert max(calls.sent) < 500_000
    assert room.size(room.names.request) == 10


def test_an_answer_and_its_acknowledgement_go_together(room: Room) -> None:
    session = room.session()
    inbox = Inbox(session, [room.names.request])
    link = Link(session, names=room.names, replies=inbox.channel)
    room.put(room.names.request, b"{}")
    delivery = Delivery(queue=room.names.request, body=b"{}", reply_to=room.names.dead, tag=taken(inbox).tag)
    calls = Calls(session)
    link.reply(delivery, b"{}", last=True)
    inbox.ack(delivery)
    assert len(calls.sent) == 1
    eventually(lambda: room.size(room.names.dead) == 1)


def test_an_answer_that_is_not_the_last_word_goes_at_once(room: Room) -> None:
    link = room.link()
    link.reply(Delivery(queue="", body=b"", reply_to=room.names.dead), b"{}")
    eventually(lambda: room.size(room.names.dead) == 1)


def test_what_is_kept_goes_out_before_anything_is_waited_for(room: Room) -> None:
    link = room.link()
    link.reply(Delivery(queue="", body=b"", reply_to=room.names.dead), b"{}", last=True)
    link.tick()
    eventually(lambda: room.size(room.names.dead) == 1)


def test_messages_that_are_there_are_read_together(room: Room) -> None:
    session = room.session()
    room.put(room.names.request, *[b"{}"] * 50)
    eventually(lambda: room.size(room.names.request) == 50)
    calls = Calls(session)
    inbox = Inbox(session, [room.names.request], prefetch=50)
    for _ in range(50):
        taken(inbox)
    assert len(calls.received) < 25
