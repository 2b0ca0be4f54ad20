"""The same scenarios over a real broker and MySQL: a worker, the other managers, and somebody who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from flowmanager.bootstrap import Worker, make_worker
from flowmanager.settings import Settings
from flowmanager.store.engine import make_engines
from flowmanager.store.migrate import migrate
from flowmanager.transport.caller import Caller
from flowmanager.transport.envelope import Delivery, Letter
from flowmanager.transport.lane import Lane, LaneOptions
from flowmanager.transport.link import Link
from flowmanager.transport.names import Names
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from tests.broker_room import JOIN_SECONDS, Room, eventually, stop_lane
from tests.conformance.replay import Peers

MANAGERS = (
    *("ai", "call", "conference", "contact", "conversation", "direct"),
    *("email", "message", "queue", "transcribe", "webhook"),
)
ALONE = re.compile(rb'"uri": "/v1/(flows|activeflows)"')
"""In creations, after whose answer nothing follows."""
NO_CONCERN = b'{"type": "nothing_happened", "publisher": "call-manager", "data_type": "application/json", "data": {}}'
NEVER = 1000
"""Peers fail on purpose: the breakers of a worker that plays all scenarios must not open."""


@dataclass(frozen=True)
class BrokerStage:
    """Sends messages to a worker that handles one request after the other."""

    caller: Caller
    publisher: LanePublisher
    channel: Any
    names: Names

    def ask(self, body: bytes) -> Any:
        """Send a request, and another one: it is answered when all that follows from the first is done."""
        answer = orjson.loads(self.caller.send_request(body, seconds=JOIN_SECONDS))
        if not ALONE.search(body):
            self.caller.send_request(b'{"uri": "/v1/nothing", "method": "GET"}', seconds=JOIN_SECONDS)
        return answer

    def tell(self, queue: str, body: bytes) -> None:
        """Send an event to an exchange or to our own queue. When the second one after it is taken, it is done."""
        name = f"{self.names.prefix}{queue}"
        fanned_out = queue.endswith(".event")
        letter = Letter(body=body, exchange=name) if fanned_out else Letter(body=body, routing_key=name)
        queue = self.names.subscribe if fanned_out else name
        self.publisher.send([letter, *[Letter(body=NO_CONCERN, routing_key=queue)] * 2])
        eventually(lambda: self.size(queue) == 0)

    def size(self, queue: str) -> int:
        """How many messages wait in a queue."""
        return int(self.channel.queue_declare(queue, passive=True).message_count)

    def wait(self, seconds: float) -> None:
        """Nothing takes longer here than the request before."""
        del seconds


@contextmanager
def stage(room: Room, dsn: str, peers: Peers) -> Iterator[BrokerStage]:
    """A stage on an empty database, for the length of a block."""
    engines = make_engines(dsn, pool_size=2)
    migrate(engines.transactions)
    engines.dispose()
    with answering(room, peers), serving(settings(room, dsn)), closing(Session(room.url)) as session:
        yield BrokerStage(room.caller(), LanePublisher(session), session.channel(), room.names)


def settings(room: Room, dsn: str) -> Settings:
    """The settings of the worker."""
    return Settings(
        rabbitmq_address=room.url,
        database_dsn=dsn,
        queue_prefix=room.names.prefix,
        threads=1,
        breaker_failures=NEVER,
    )


@contextmanager
def serving(chosen: Settings) -> Iterator[Worker]:
    """A worker that runs."""
    worker = make_worker(chosen)
    worker.start()
    try:
        assert worker.ready(JOIN_SECONDS)
        yield worker
    finally:
        assert worker.stop(JOIN_SECONDS)


@contextmanager
def answering(room: Room, peers: Peers) -> Iterator[None]:
    """All other managers, on queues that are deleted at the end."""
    queues = {room.names.request_queue(peer): peer for peer in MANAGERS}

    def declare(session: Session) -> None:
        with closing(session.channel()) as channel:
            for queue in queues:
                channel.queue_declare(queue, durable=True, auto_delete=False)

    def answer(delivery: Delivery, link: Link) -> None:
        request = orjson.loads(delivery.body)
        body = peers.answer(queues[delivery.queue], request) if request["uri"] != "/v1/webhooks" else None
        if body is not None:
            link.reply(delivery, body)

    lane = Lane(room.url, tuple(queues), answer, options=LaneOptions(prepare=declare, idle=0.02))
    lane.start()
    try:
        assert lane.ready.wait(JOIN_SECONDS)
        yield
    finally:
        stop_lane(lane)
        with closing(Session(room.url)) as session, closing(session.channel()) as channel:
            for queue in queues:
                channel.queue_delete(queue)
