"""Send events in the place of other managers; for stub managers and tests."""

from __future__ import annotations

from threading import Lock

from flowmanager.errors import BrokerLost
from flowmanager.transport.envelope import PERSISTENT, Letter
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from flowmanager.transport.standing import Standing
from flowmanager.transport.topology import declare_fanout


class Announcer:
    """Sends events to exchanges; threads may share it."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet."""
        self._standing = Standing(url, Announcement, heartbeat=0)
        self._lock = Lock()

    def publish_event(self, exchange: str, body: bytes) -> None:
        """Send an event and wait until the broker has it. Raises BrokerLost when that fails twice."""
        with self._lock:
            try:
                self._standing.get().send(exchange, body)
            except BrokerLost:
                self._standing.get().send(exchange, body)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._standing.close()


class Announcement:
    """The exchanges that are known to exist on one connection."""

    def __init__(self, session: Session) -> None:
        """Raises BrokerLost."""
        self._session = session
        self._publisher = LanePublisher(session)
        self._declared: set[str] = set()

    def send(self, exchange: str, body: bytes) -> None:
        """Declare the exchange where that was not done yet, and send. Raises BrokerLost."""
        if exchange not in self._declared:
            self._declare(exchange)
        self._publisher.send([Letter(body=body, exchange=exchange, properties={"delivery_mode": PERSISTENT})])

    def _declare(self, exchange: str) -> None:
        with self._session.guard():
            channel = self._session.channel()
            declare_fanout(channel, exchange)
            channel.close()
        self._declared.add(exchange)
