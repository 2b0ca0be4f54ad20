"""Publishing what the outbox holds, off the way of the answers and many messages at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread
from time import monotonic

import structlog

from flowmanager.core.ids import Id
from flowmanager.errors import BrokerLost, StoreLost
from flowmanager.ports import Publisher
from flowmanager.transport.link import StandingLink

log = structlog.get_logger()

RECORD_SECONDS = 0.005
"""The time from one round to the next for each record of the last one: a round costs three round trips whether for one
record or for a hundred, so the busier, the more should come together. What comes after a pause is published at once.
"""
MOST_SECONDS = 0.02
"""The longest such time: somebody waits for the events."""
BATCH = 50
"""Records of one round: their messages are in memory together."""
MOST = 10_000
"""Records in hand at most, such as in an outage; those beyond are published from the outbox when they are late."""
PAUSE_SECONDS = 1.0
TICK_SECONDS = 5.0

Publish = Callable[[list[Id], Publisher], None]


class Relay(Thread):
    """Publishes the messages of the records that it is given, each in commit order.

    Nothing is lost with this thread: what it has not published is still in the outbox, and the sweepers look there.
    """

    def __init__(self, publish: Publish, link: StandingLink) -> None:
        """`publish` sends what the outbox holds of some records and takes it out."""
        super().__init__(name="relay", daemon=True)
        self._publish, self._link = publish, link
        self._lock, self._given, self._stopping = Lock(), Event(), Event()
        self._ids: dict[Id, None] = {}
        self._lost = False
        self.alive_at = monotonic()
        """When it last moved."""

    def add(self, ids: Iterable[Id]) -> None:
        """Have the messages of these records published soon. Returns at once."""
        with self._lock:
            if len(self._ids) < MOST:
                self._ids.update(dict.fromkeys(ids))
        self._given.set()

    def stop(self) -> None:
        """Publish what is in hand and end. Returns at once: join the thread."""
        self._stopping.set()
        self._given.set()

    def run(self) -> None:
        """Publish until told to stop, and then what is left if that is possible."""
        ticked, due = monotonic(), 0.0
        while not self._stopping.is_set():
            if self._given.wait(TICK_SECONDS):
                self._stopping.wait(max(0.0, due - monotonic()))
                began = monotonic()
                due = began + min(self._round() * RECORD_SECONDS, MOST_SECONDS)
            if monotonic() - ticked > TICK_SECONDS:
                self._attempt([])
                ticked = monotonic()
        self._round()
        self._link.close()

    def _round(self) -> int:
        """Publish for all that were given; return how many. What comes meanwhile is for the next round."""
        self._given.clear()
        count, ids = 0, self._take()
        while ids:
            count += len(ids)
            if not self._attempt(ids):
                self.add(ids)
                self._stopping.wait(PAUSE_SECONDS)
                break
            ids = self._take() if len(ids) == BATCH else []
        return count

    def _take(self) -> list[Id]:
        with self._lock:
            ids = list(self._ids)[:BATCH]
            for one in ids:
                del self._ids[one]
        return ids

    def _attempt(self, ids: list[Id]) -> bool:
        """Publish for some records, or only keep the connection alive; say whether that went well."""
        self.alive_at = monotonic()
        try:
            if ids:
                self._publish(ids, self._link)
            else:
                self._link.tick()
            self._lost = False
        except (BrokerLost, StoreLost) as lost:
            if not self._lost:
                log.warning("relay_waits", why=str(lost))
            self._lost = True
        except Exception:  # the edge: a fault must not end the thread; the messages are late, and the sweepers' then
            log.exception("relay_failed")
        return not self._lost
