"""The thread with the heartbeat: it does nothing else, so only the database can hold it up, and that is its news."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

import structlog

from flowmanager.errors import StoreLost

log = structlog.get_logger()

SLOW_SECONDS = 3.0
"""A heartbeat is one small write: a database that takes longer than this for it cannot be worked with."""
PAUSE_SECONDS = 1.0
"""How long to wait after a failure."""


class Heart(Thread):
    """Says again and again that this worker lives, and knows thereby whether the database can be written."""

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._beat = beat
        self._seconds = seconds
        self._stopping = Event()
        self._began: float | None = None
        self._fault = "the first answer of the database"
        self.alive_at = monotonic()

    def stop(self) -> None:
        """End after the heartbeat in hand. Returns at once: join the thread."""
        self._stopping.set()

    def run(self) -> None:
        """Beat until told to stop."""
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = self._seconds if self.attempt() else min(PAUSE_SECONDS, self._seconds)

    def attempt(self) -> bool:
        """Beat once; say whether that was possible."""
        self.alive_at = self._began = monotonic()
        try:
            self._beat()
            self._fault = ""
        except StoreLost as lost:
            self._fault = str(lost)
        except Exception:
            log.exception("heartbeat_failed")
            self._fault = "a heartbeat without a fault: see the log"
        self._began = None
        self.alive_at = monotonic()
        return not self._fault

    def waits_for(self) -> str:
        """Return what it waits for; empty: the database takes what is written."""
        began = self._began
        if began is not None and monotonic() - began > SLOW_SECONDS and not self._fault:
            return f"an answer of the database, which took longer than {SLOW_SECONDS:g} s"
        return self._fault
