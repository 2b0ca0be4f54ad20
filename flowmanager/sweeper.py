"""Threads of every worker process that do what nobody asks for: timers, take-overs, left-over events, tidying up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.errors import BrokerLost, StoreLost
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.recovery import Recovery
from flowmanager.ports import Upkeep
from flowmanager.receiver import Aftermath
from flowmanager.transport.link import StandingLink

log = structlog.get_logger()

BATCH = 200
"""Rows of one round of publishing and of deleting."""
ENDED_BATCH = 50
"""Activeflows of one transaction of deleting, each with some lines of history: it must be short."""
TICK_SECONDS = 5.0
DECLARE_SECONDS = 30.0
"""How often queues, exchanges and bindings are declared again: who deletes one ends our events without a word."""
PURGE_SECONDS = 1.0
"""How long one round of deleting may keep timers waiting."""
PAUSE_SECONDS = 1.0
"""How long to wait after a loss of the database or the broker."""


@dataclass(slots=True)
class Duty:
    """Something to be done again and again."""

    act: Callable[[], object]
    seconds: float
    due: float = 0.0


@frozen(kw_only=True)
class Seconds:
    """How often what is done."""

    heartbeat: float
    timer: float
    outbox: float
    purge: float
    retention: float = 0.0
    """How long what has ended is kept; 0: for ever."""


Duties = Callable[["Sweeper", Recovery], list[Duty]]


def pulse(seconds: Seconds) -> Duties:
    """Return the duties that no other manager can hold up."""

    def duties(sweeper: Sweeper, recovery: Recovery) -> list[Duty]:
        return [
            Duty(sweeper.keep_link, TICK_SECONDS),
            Duty(sweeper.declare, DECLARE_SECONDS),
            Duty(lambda: sweeper.publish_late(recovery.upkeep, seconds.outbox), seconds.outbox / 2),
            Duty(lambda: sweeper.purge(recovery.upkeep, seconds.retention), seconds.purge),
        ]

    return duties


def turns(seconds: Seconds) -> Duties:
    """Return the duties that run turns and may wait for other managers; several threads share them."""

    def duties(sweeper: Sweeper, recovery: Recovery) -> list[Duty]:
        return [
            Duty(sweeper.keep_link, TICK_SECONDS),
            Duty(lambda: recovery.fire_timers(sweeper.work, sweeper.complete), seconds.timer),
            Duty(lambda: recovery.take_over(sweeper.work, sweeper.complete), seconds.heartbeat),
        ]

    return duties


class Sweeper(Thread):
    """Does the duties that are due, one after the other."""

    def __init__(
        self, engine: Engine, recovery: Recovery, aftermath: Aftermath, link: StandingLink, duties: Duties
    ) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._engine, self._recovery, self._aftermath, self._link = engine, recovery, aftermath, link
        self._stopping = Event()
        self._lost = False
        self._turned_at = monotonic()
        self._duties = duties(self, recovery)

    def stop(self) -> None:
        """Finish what is in hand and end. Returns at once: join the thread."""
        self._stopping.set()

    def keep_link(self) -> None:
        """Keep the connection to the broker alive, or open it."""
        self._link.tick()

    def declare(self) -> None:
        """Declare on the broker what somebody may have deleted."""
        self._link.declare()

    @property
    def alive_at(self) -> float:
        """When it last moved, in the time of `monotonic`."""
        return max(self._turned_at, self._link.moved_at)

    def work(self) -> Work:
        """Return the work of one activeflow."""
        self._turned_at = monotonic()
        return Work(self._engine, self._engine.peers(self._link))

    def complete(self, work: Work) -> None:
        """Publish the events of one activeflow and start its children."""
        self._aftermath.complete(work, self._link)

    def purge(self, upkeep: Upkeep, retention: float) -> None:
        """Delete what has expired and what ended long ago, until nothing is left or it is time for other duties."""
        end = monotonic() + PURGE_SECONDS
        more = True
        while more and monotonic() < end and not self._stopping.is_set():
            more = upkeep.purge(limit=BATCH) >= BATCH
            if retention:
                more = upkeep.purge_ended(seconds=retention, limit=ENDED_BATCH).rows > 0 or more

    def publish_late(self, upkeep: Upkeep, seconds: float) -> None:
        """Publish events whose worker is lost or was cut off."""
        self._aftermath.send(self._engine, upkeep.late_messages(seconds=seconds, limit=BATCH), self._link)

    def run(self) -> None:
        """Do the duties until told to stop."""
        while not self._stopping.is_set():
            for duty in self._duties:
                if duty.due <= monotonic() and not self._stopping.is_set():
                    self.perform(duty)
            nearest = min(duty.due for duty in self._duties)
            self._stopping.wait(max(nearest - monotonic(), 0.01))
        self._link.close()

    def perform(self, duty: Duty) -> None:
        """Do one duty; whatever goes wrong, the next round tries again."""
        pause = duty.seconds
        self._turned_at = monotonic()
        try:
            duty.act()
            self._lost = False
        except (BrokerLost, StoreLost) as lost:
            if not self._lost:
                log.warning("sweeper_waits", why=str(lost))
            self._lost, pause = True, PAUSE_SECONDS
        except Exception:
            log.exception("sweeper_failed")
            pause = PAUSE_SECONDS
        duty.due = monotonic() + pause
