"""What a thread can say to the world over its connection: ask, publish, answer, put aside."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from flowmanager.ports import Ask, Message
from flowmanager.transport.envelope import Delivery, crowd_letter, dead_letter, read_delivery, reply_letter
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.rpc_client import RpcClient
from flowmanager.transport.session import Session
from flowmanager.transport.standing import Standing

DIRECT = "amq.rabbitmq.reply-to."
TERM = 131
"""With what byte the broker's own notation of a process begins."""
SHORTEST_PID = 16
MOST_PARKED = 1000
"""Messages in the dead queue beyond which malformed ones are only counted."""
MALFORMED_BYTES = 262_144
"""Of a malformed message: enough to see what it is, and all of any that is not larger than events are."""
MALFORMED = "malformed"
"""What their reasons begin with."""
Prepare = Callable[[Session], None]


def can_wait(reply_to: str) -> bool:
    """Say whether somebody can wait at a place. A made-up direct reply-to makes old brokers end our connection."""
    if not reply_to.startswith(DIRECT):
        return True
    process, dot, key = reply_to.removeprefix(DIRECT).partition(".")
    try:
        decoded = b64decode(process, validate=True)
    except ValueError:
        return False
    return bool(dot and key) and len(decoded) >= SHORTEST_PID and decoded[0] == TERM


class Link:
    """The outgoing side of one connection; lives as long as that. Methods raise BrokerLost."""

    def __init__(self, session: Session, *, names: Names = NAMES, replies: Any = None) -> None:
        """Open the channels. `replies`: the channel requests come from, so that an answer cannot be overtaken by the
        acknowledgement of its request.
        """
        self._session = session
        self._names = names
        self._replies = replies or session.channel()
        self.rpc = RpcClient(session, names=names)
        self.publisher = LanePublisher(session, names=names)

    def reply(self, delivery: Delivery, body: bytes, *, last: bool = False) -> None:
        """Answer a request at once; nothing when no answer is wanted, or nobody can be waiting there.

        `last`: the acknowledgement of the request follows without delay, and both go to the broker together.
        """
        if delivery.reply_to and can_wait(delivery.reply_to):
            with self._session.held() if last else nullcontext():
                self._session.send(self._replies, reply_letter(delivery, body))

    def next_in(self, queue: str) -> Delivery | None:
        """Take what waits at the head of a queue, beyond what the lane has in hand; None: nothing waits."""
        with self._session.guard():
            found: Any = self._replies.basic_get(queue, no_ack=False)
        return None if found is None else read_delivery(found, queue)

    def give_back(self, delivery: Delivery) -> None:
        """Return what was taken so to the head of its queue."""
        with self._session.guard():
            self._replies.basic_reject(delivery.tag, requeue=True)

    def move_to_crowd(self, delivery: Delivery, more: Sequence[Delivery] = ()) -> None:
        """Copy requests to the queue of the crowd; returns when the broker has them there.

        `more` are acknowledged then, being taken by `next_in`; the first one is the lane's, who does that.
        """
        self.publisher.send([crowd_letter(one, names=self._names) for one in (delivery, *more)])
        for one in more:
            self._session.acknowledge(self._replies, one.tag)

    def park(self, delivery: Delivery, why: str) -> None:
        """Put a message nobody can handle where a person finds it; returns when it is safe there."""
        self.publisher.send([dead_letter(delivery, why, names=self._names)])

    def park_malformed(self, delivery: Delivery, why: str) -> bool:
        """Park a message that cannot be read, or the beginning of a long one; not when very many are parked already.

        Says whether it is there: anybody may send rubbish without end, and the broker's disk is not without end.
        """
        if self._parked() >= MOST_PARKED:
            return False
        letter = dead_letter(delivery, f"{MALFORMED}: {why}", names=self._names, most=MALFORMED_BYTES)
        self.publisher.send([letter])
        return True

    def _parked(self) -> int:
        with self._session.guard():
            return int(self._replies.queue_declare(self._names.dead, passive=True).message_count)

    def tick(self) -> None:
        """Keep the connection alive during long work."""
        self._session.drain(0)


def nothing(_: Session) -> None:
    """Declare nothing."""


class StandingLink:
    """A link for a thread that takes no messages; it is both an Rpc and a Publisher. Methods raise BrokerLost."""

    def __init__(self, url: str, *, names: Names = NAMES, prepare: Prepare = nothing) -> None:
        """Nothing is opened yet. `prepare` declares on a new connection what may be missing."""
        self._names = names
        self._prepare = prepare
        self._standing = Standing(url, self._build)

    def _build(self, session: Session) -> Link:
        self._session = session
        self._prepare(session)
        return Link(session, names=self._names)

    def declare(self) -> None:
        """Declare again what somebody may have deleted."""
        self._standing.get()
        self._prepare(self._session)

    def call(self, ask: Ask) -> Any:
        """Ask another manager; see the port Rpc."""
        return self._standing.get().rpc.call(ask)

    def publish(self, messages: Sequence[Message]) -> None:
        """Send messages; see the port Publisher."""
        self._standing.get().publisher.publish(messages)

    def tick(self) -> None:
        """Keep the connection alive; to be called every few seconds."""
        self._standing.get()

    @property
    def moved_at(self) -> float:
        """When its thread last looked after the connection, 0 while there is none."""
        return self._standing.moved_at

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._standing.close()


def open_link(url: str, *, names: Names = NAMES, prepare: Prepare = nothing) -> StandingLink:
    """Return a link for a thread that only asks and publishes."""
    return StandingLink(url, names=names, prepare=prepare)
