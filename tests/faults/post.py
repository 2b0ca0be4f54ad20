"""Sends messages that the broker keeps."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from time import sleep

from flowmanager.errors import BrokerLost
from flowmanager.transport.envelope import Letter
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.standing import Standing

REDIAL_SECONDS = 0.3
ATTEMPTS = 200


class Post:
    """Sends messages that the broker keeps, again until it has them; threads may share it."""

    def __init__(self, url: str) -> None:
        self._standing = Standing(url, LanePublisher, heartbeat=0)
        self._lock = Lock()

    def send(self, *letters: Letter) -> None:
        """Return when the broker has the messages; all are sent again when any may be lost. Raises BrokerLost."""
        for _ in range(ATTEMPTS):
            with suppress(BrokerLost), self._lock:
                self._standing.get().send(letters)
                return
            sleep(REDIAL_SECONDS)
        raise BrokerLost

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._standing.close()
