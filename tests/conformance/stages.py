"""Where scenarios are played: on a worker's receivers without a broker, or over a real broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from time import sleep
from typing import Any, cast

import orjson

from flowmanager.errors import PeerTimeout
from flowmanager.ports import Ask
from flowmanager.transport.envelope import Delivery, read_answer, request_body
from flowmanager.transport.link import Link
from tests.conformance.contract import check_answer, check_event
from tests.conformance.replay import Peers
from tests.desk import Desk, Outside

TICK_SECONDS = 0.001
"""SQLite tells no shorter time: what was recorded one after the other must not have the same, as pages go by it."""


class Clock:
    """Time that passes when a scenario says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The seconds that have passed."""
        return self.now


class RecordedOutside(Outside):
    """The outside of a desk where other managers answer as recorded; one that is silent costs no time."""

    def __init__(self, peers: Peers) -> None:
        super().__init__()
        self.peers = peers

    def call(self, ask: Ask) -> Any:
        """Answer as the rpc client does."""
        answer = self.peers.answer(ask.peer, orjson.loads(request_body(ask)))
        if answer is None:
            raise PeerTimeout(ask.peer, ask.seconds)
        return read_answer(ask.peer, answer)


@dataclass
class DeskStage:
    """Hands messages to a desk one after the other."""

    desk: Desk
    clock: Clock
    numbers: Any = field(default_factory=count)

    def ask(self, body: bytes) -> Any:
        """Send a request."""
        sleep(TICK_SECONDS)
        delivery = Delivery(queue="request", body=body, reply_to="replay", correlation_id=str(next(self.numbers)))
        self.desk.requests.handle(delivery, cast(Link, self.desk.outside))
        asked, answer = self.desk.outside.replies.pop()
        assert asked is delivery
        told = orjson.loads(answer)
        check_answer(body, told)
        return told

    def check_events(self) -> None:
        """Fail when an event is not what the contract says."""
        for message in self.desk.outside.published:
            check_event(message)

    def tell(self, queue: str, body: bytes) -> None:
        """Send an event."""
        del queue
        self.desk.receive(body)

    def wait(self, seconds: float) -> None:
        """Let time pass; what the recorder itself took counts a second more."""
        self.clock.now += seconds + 1
