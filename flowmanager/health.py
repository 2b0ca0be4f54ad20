"""Whether a worker process lives, and whether it can serve: what it waits for, and since when.

Nothing here asks a server: it is told, or reads what the threads note of themselves, so it can never hang.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Protocol

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.metrics import Metrics

log = structlog.get_logger()

Check = Callable[[], str]
"""Says what is waited for; empty: nothing. It must not wait itself."""

TICK_SECONDS = 1.0
HUNG_SECONDS = 180.0
"""Longer than a thread may be busy without a sign of life: a slow database, a large message, a time limit of 60 s."""


class Living(Protocol):
    """A thread that notes when it last moved."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def alive_at(self) -> float:
        """When it last moved, in the time of `monotonic`."""
        ...

    def is_alive(self) -> bool:
        """Say whether it has not ended."""
        ...


@dataclass(slots=True)
class Told:
    """What is waited for, said from outside."""

    text: str = ""

    def __call__(self) -> str:
        """Return it."""
        return self.text


@frozen
class Waiting:
    """Something that is waited for."""

    text: str
    since: datetime
    began: float

    @property
    def seconds(self) -> float:
        """How long already."""
        return round(monotonic() - self.began, 1)


class Health:
    """Knows the parts of a worker and its threads."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._checks: dict[str, Check] = {}
        self._threads: tuple[Living, ...] = ()
        self._waiting: dict[str, Waiting] = {}
        self._told: set[str] = set()
        self._lock = Lock()

    def needs(self, part: str, check: Check) -> None:
        """Add a part that the worker needs, or another way to look at it."""
        with self._lock:
            self._checks[part] = check

    def watches(self, threads: Iterable[Living]) -> None:
        """Name the threads that must live."""
        self._threads = tuple(threads)

    def waiting(self) -> Mapping[str, Waiting | None]:
        """Return every part, with what it waits for, and set the metric."""
        with self._lock:
            found = {part: self._look(part, check()) for part, check in self._checks.items()}
        for part, waiting in found.items():
            self._metrics.waiting.labels(part).set(waiting.seconds if waiting else 0)
        return found

    def _look(self, part: str, text: str) -> Waiting | None:
        known = self._waiting.get(part)
        if not text:
            self._waiting.pop(part, None)
            return None
        since, began = (known.since, known.began) if known else (datetime.now(UTC), monotonic())
        self._waiting[part] = Waiting(text, since, began)
        return self._waiting[part]

    def ready(self) -> tuple[bool, Any]:
        """Say whether messages are taken and the database answers, and what each part waits for since when."""
        found = self.waiting()
        is_ready = bool(found) and not any(found.values())
        return is_ready, {"ready": is_ready, "parts": {part: shown(waiting) for part, waiting in found.items()}}

    def alive(self) -> tuple[bool, Any]:
        """Say whether every thread lives and moves, and which does not."""
        faults = [fault for thread in self._threads if (fault := fault_of(thread))]
        return not faults, {"alive": not faults, "threads": len(self._threads), "faults": faults}

    def tick(self) -> None:
        """Tell the log what has changed."""
        for part, waiting in self.waiting().items():
            if waiting and part not in self._told:
                self._told.add(part)
                log.warning("waits", part=part, waits_for=waiting.text)
            elif not waiting and part in self._told:
                self._told.remove(part)
                log.info("waits_no_more", part=part)


class Watch(Thread):
    """Looks at the health again and again, so that the log tells it also when nobody asks."""

    def __init__(self, health: Health) -> None:
        super().__init__(name="health", daemon=True)
        self._health = health
        self._stopping = Event()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._stopping.wait(TICK_SECONDS):
            self._health.tick()


def shown(waiting: Waiting | None) -> dict[str, Any]:
    """Return one part as the page shows it."""
    if waiting is None:
        return {"ready": True}
    since = waiting.since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"ready": False, "waits_for": waiting.text, "since": since, "seconds": waiting.seconds}


def fault_of(thread: Living) -> str:
    """Return what is wrong with a thread; empty: nothing."""
    if not thread.is_alive():
        return f"{thread.name} has ended"
    still = monotonic() - thread.alive_at
    return f"{thread.name} has not moved for {still:.0f} s" if still > HUNG_SECONDS else ""
