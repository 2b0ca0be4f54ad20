"""A corner of a broker for one test: names of its own, things that are stopped and deleted at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from flowmanager.ports import Ask, Message, MessageKind
from flowmanager.transport.caller import Caller
from flowmanager.transport.envelope import Letter
from flowmanager.transport.lane import Handle, Lane, LaneOptions
from flowmanager.transport.link import Link
from flowmanager.transport.names import Names
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.responder import AnswerRequest, Responder
from flowmanager.transport.session import Session
from flowmanager.transport.subscriber import Subscriber
from flowmanager.transport.topology import Topology

JOIN_SECONDS = 60.0


@dataclass
class Room:
    """Starts what a test needs; `names` are its own."""

    url: str
    stack: ExitStack
    names: Names = field(default_factory=lambda: Names(f"test-{uuid4().hex}"))

    def topology(self) -> Topology:
        """The declarations."""
        return Topology(names=self.names)

    def session(self, url: str = "") -> Session:
        """A connection."""
        return self.stack.enter_context(closing(Session(url or self.url)))

    def lane(self, handle: Handle, *, queue: str | tuple[str, ...] = "", url: str = "", **options: Any) -> Lane:
        """A lane that consumes, on the request queue if nothing else is said."""
        settings = LaneOptions(names=self.names, prepare=self.topology().declare, redial=0.05, idle=0.02, **options)
        lane = Lane(url or self.url, queue or self.names.request, handle, options=settings)
        lane.start()
        self.stack.callback(stop_lane, lane)
        assert lane.ready.wait(JOIN_SECONDS)
        return lane

    def responder(self, answer: AnswerRequest, *, peer: str = "call") -> Responder:
        """A peer that answers."""
        responder = Responder(self.url, (self.names.request_queue(peer),), answer)
        self.stack.callback(responder.stop)
        assert responder.start()
        return responder

    def caller(self, url: str = "") -> Caller:
        """A client of the request queue."""
        return self.stack.enter_context(closing(Caller(url or self.url, names=self.names)))

    def link(self, url: str = "") -> Link:
        """The outgoing side of a connection."""
        return Link(self.session(url), names=self.names)

    def subscriber(self) -> Subscriber:
        """A listener to our events."""
        return self.stack.enter_context(closing(Subscriber(self.url, exchange=self.names.event)))

    def put(self, queue: str, *bodies: bytes) -> None:
        """Put messages into a queue."""
        LanePublisher(self.session()).send([Letter(body=body, routing_key=queue) for body in bodies])

    def size(self, queue: str) -> int:
        """How many messages wait in a queue that exists."""
        return int(self.session().channel().queue_declare(queue, passive=True).message_count)

    def clear(self) -> None:
        """Delete the queues and exchanges of these names."""
        with closing(Session(self.url)) as session:
            channel = session.channel()
            peers = [self.names.request_queue(peer) for peer in ("call", "queue", "ai")]
            for queue in (*self.names.own, *peers):
                channel.queue_delete(queue)
            for exchange in () if session.embedded else (*self.names.subscribed_exchanges, self.names.event):
                channel.exchange_delete(exchange)


@contextmanager
def open_room(url: str) -> Iterator[Room]:
    """A room for the length of a block."""
    with ExitStack() as stack:
        room = Room(url, stack)
        stack.callback(room.clear)
        with closing(Session(url)) as session:
            room.topology().declare(session)
        yield room


def stop_lane(lane: Lane) -> None:
    """Stop a lane and see that it ends."""
    lane.stop()
    lane.join(JOIN_SECONDS)
    assert not lane.is_alive()


def eventually(holds: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Wait until something holds, or fail."""
    deadline = monotonic() + seconds
    while not holds():
        assert monotonic() < deadline, "did not become true in time"
        sleep(0.01)


def event(number: int) -> Message:
    """The numbered event of one activeflow."""
    return Message(id=str(uuid4()), kind=MessageKind.EVENT, activeflow_id="a", body=b'{"n":%d}' % number)


def ask(**changes: Any) -> Ask:
    """A request to call-manager."""
    return Ask(**{"peer": "call", "method": "GET", "uri": "/v1/calls/1", "seconds": 5.0, **changes})


def numbers(events: Sequence[dict[str, Any]]) -> list[int]:
    """The numbers of events."""
    return [each["n"] for each in events]
