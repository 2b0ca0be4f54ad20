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

QUIET_SECONDS = 0.004
"""Before a round nothing more comes for so long: a round costs three round trips whether for one record or for a
hundred, and what it takes of the interpreter's time it takes from those who answer requests.
"""
LONGEST_SECONDS = 0.02
"""After so long a round begins in any case: somebody waits for the events."""
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
        self._count = 0
        """How often something was given."""
        self._lost = False
        self.alive_at = monotonic()
        """When it last moved."""

    def add(self, ids: Iterable[Id]) -> None:
        """Have the messages of these records published soon. Returns at once."""
        with self._lock:
            if len(self._ids) < MOST:
                self._ids.update(dict.fromkeys(ids))
            self._count += 1
        self._given.set()

    def stop(self) -> None:
        """Publish what is in hand and end. Returns at once: join the thread."""
        self._stopping.set()
        self._given.set()

    def run(self) -> None:
        """Publish until told to stop, and then what is left if that is possible."""
        ticked = monotonic()
        while not self._stopping.is_set():
            if self._given.wait(TICK_SECONDS):
                self._gather()
                self._round()
            if monotonic() - ticked > TICK_SECONDS:
                self._attempt([])
                ticked = monotonic()
        self._round()
        self._link.close()

    def _gather(self) -> None:
        """Wait until nothing more comes for a moment, but not for long."""
        end, known = monotonic() + LONGEST_SECONDS, -1
        while known != self._count and monotonic() < end:
            known = self._count
            self._stopping.wait(QUIET_SECONDS)

    def _round(self) -> None:
        """Publish for all that were given. What comes meanwhile is for the next round."""
        self._given.clear()
        ids = self._take()
        while ids:
            if not self._attempt(ids):
                self.add(ids)
                self._stopping.wait(PAUSE_SECONDS)
                break
            ids = self._take() if len(ids) == BATCH else []

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
