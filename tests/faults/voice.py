"""One caller's way to flow-manager: every attempt and every answer, also a late one, goes into the history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any

from flowmanager.errors import BrokerLost
from flowmanager.transport.envelope import Letter, as_bytes
from flowmanager.transport.session import Session

DIRECT_REPLY = "amq.rabbitmq.reply-to"
REDIAL_SECONDS = 0.3

Hear = Callable[[str, bytes], None]


class Voice:
    """A connection for requests, opened when it is needed and again after a loss; used by one thread."""

    def __init__(self, url: str, queue: str, hear: Hear) -> None:
        """`hear` gets the request's id and the body of every answer, those of given-up attempts too."""
        self._url, self._queue, self._hear = url, queue, hear
        self._numbers = count(1)
        self._session: Session | None = None
        self._channel: Any = None
        self._heard: dict[str, bytes] = {}

    def ask(self, request_id: str, body: bytes, seconds: float) -> bytes | None:
        """Send a request and return the body of its answer, None when there is none in time. Raises BrokerLost."""
        session = self._connected()
        correlation = f"{request_id}/{next(self._numbers)}"
        properties = {"reply_to": DIRECT_REPLY, "correlation_id": correlation}
        session.send(self._channel, Letter(body=body, routing_key=self._queue, properties=properties))
        deadline = monotonic() + seconds
        while correlation not in self._heard and monotonic() < deadline:
            session.drain(max(min(deadline - monotonic(), 0.5), 0.01))
        return self._heard.pop(correlation, None)

    def listen(self, seconds: float) -> None:
        """Hear late answers."""
        if self._session is not None and not self._session.lost:
            with suppress(BrokerLost):
                self._session.drain(seconds)

    def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _connected(self) -> Session:
        if self._session is not None and self._session.lost:
            self.close()
        if self._session is None:
            self._session = self._opened()
        return self._session

    def _opened(self) -> Session:
        session = Session(self._url, heartbeat=0)
        try:
            self._channel = session.channel()
            with session.guard():
                self._channel.basic_consume(queue=DIRECT_REPLY, no_ack=True, callback=self._on_answer)
        except BrokerLost:
            session.close()
            raise
        return session

    def _on_answer(self, raw: Any) -> None:
        message = self._channel.message_to_python(raw)
        correlation = str(message.properties.get("correlation_id", ""))
        body = as_bytes(message.body)
        self._heard[correlation] = body
        self._hear(correlation.partition("/")[0], body)
