"""Listen to the events of a manager on a private queue; for tests, the demo and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson

from flowmanager.transport.envelope import Delivery
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.names import NAMES
from flowmanager.transport.session import Session
from flowmanager.transport.topology import declare_fanout

PREFETCH = 100


class Subscriber:
    """Gets every event of an exchange from now on. Used by one thread; methods raise BrokerLost."""

    def __init__(self, url: str, *, exchange: str = NAMES.event) -> None:
        """Connect, and bind a queue that vanishes with the connection."""
        self._session = Session(url, heartbeat=0)
        queue = f"{exchange}.subscriber.{uuid4().hex}"
        with self._session.guard():
            channel = self._session.channel()
            declare_fanout(channel, exchange)
            channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=True)
            channel.queue_bind(queue, exchange, "")
            if self._session.embedded:
                self._session.before_close(lambda: channel.queue_delete(queue))
        self._inbox = Inbox(self._session, (queue,), prefetch=PREFETCH)

    def take(self, seconds: float) -> Delivery | None:
        """Return the next event as it came, waiting so long for it."""
        delivery = self._inbox.take(seconds)
        if delivery is not None:
            self._inbox.ack(delivery)
        return delivery

    def events(self, *, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield events until none has come for so long."""
        while delivery := self.take(seconds):
            yield orjson.loads(delivery.body)

    def close(self) -> None:
        """Stop listening."""
        self._session.close()
