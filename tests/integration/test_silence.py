"""A network that falls silent: at any byte, in any phase, a connection is given up in time and nothing hangs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from threading import Thread
from urllib.parse import urlsplit

import pytest

from flowmanager.errors import BrokerLost
from flowmanager.transport import connection
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.link import Link
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from tests.broker_room import Room, event, open_room
from tests.proxy import CHUNK, Proxy, break_off

SILENCE = 0.15
PATIENCE = 30.0
"""Far longer than a connection may take to be given up, and far shorter than for ever."""
STEPS = 40
BODY = 50_000


class Mute(Proxy):
    """Hands on so many bytes of the server's, then nothing any more, in either direction; nobody is told."""

    def __init__(self, host: str, port: int) -> None:
        self.budget = 1 << 30
        """Bytes of the server's that still come through."""
        super().__init__(host, port)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        from_server = source.getpeername()[1] == self._server[1]
        with suppress(OSError):
            while data := source.recv(CHUNK):
                target.sendall(self._allowed(data) if from_server else data if self.budget else b"")
        break_off(source)
        break_off(target)

    def _allowed(self, data: bytes) -> bytes:
        allowed = data[: self.budget]
        self.budget -= len(allowed)
        return allowed


@pytest.fixture
def room(rabbitmq_address: str) -> Iterator[Room]:
    with open_room(rabbitmq_address) as room:
        yield room


@pytest.fixture(autouse=True)
def impatient(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of a connection, shorter; not while the room is made or cleared."""
    del room
    monkeypatch.setattr(connection, "SILENCE_SECONDS", SILENCE)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", SILENCE)


@contextmanager
def muted(url: str, budget: int) -> Iterator[tuple[Mute, str]]:
    """A proxy that falls silent after so many bytes, and the URL by way of it."""
    parts = urlsplit(url)
    mute = Mute(parts.hostname or "", parts.port or 5672)
    mute.budget = budget
    with closing(mute):
        yield mute, parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{mute.port}").geturl()


def dialogue(room: Room, url: str) -> None:
    """Everything that a lane says before it waits for messages, and a confirmed message; then the end."""
    with closing(Session(url)) as session:
        room.topology().declare(session)
        inbox = Inbox(session, (room.names.request,))
        Link(session, names=room.names, replies=inbox.channel)
        publisher = LanePublisher(session, names=room.names, confirm_seconds=SILENCE)
        publisher.publish([event(1)])
        inbox.stop()


def outcome(act: Callable[[], object]) -> str:
    """Return how an action ended. Fails when it does not end."""
    ends: list[str] = []

    def attempt() -> None:
        try:
            act()
            ends.append("done")
        except BrokerLost:
            ends.append("lost")

    thread = Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it hangs"
    assert ends, "it failed otherwise than by a lost broker"
    return ends[0]


def test_silence_at_any_byte_ends_the_connection(room: Room) -> None:
    """Also in the middle of a frame, where the library would wait for ever."""
    whole = 1 << 20
    with muted(room.url, whole) as (mute, url):
        assert outcome(partial(dialogue, room, url)) == "done"
        said = whole - mute.budget
    ends = []
    for budget in range(0, said, max(said // STEPS, 1)):
        with muted(room.url, budget) as (_, url):
            ends.append(outcome(partial(dialogue, room, url)))
    assert ends.count("lost") > STEPS / 2


def test_publishing_behind_half_a_message_does_not_hang(room: Room) -> None:
    """The library reads before it publishes, and would spin on what is incomplete."""
    room.put(room.names.request, b"x" * BODY)
    with muted(room.url, 1 << 20) as (mute, url), closing(Session(url)) as session:
        publisher = LanePublisher(session, names=room.names, confirm_seconds=SILENCE)
        mute.budget = BODY // 2
        inbox = Inbox(session, (room.names.request,))
        assert inbox.take(SILENCE) is None
        assert outcome(partial(publisher.publish, [event(1)])) == "lost"
