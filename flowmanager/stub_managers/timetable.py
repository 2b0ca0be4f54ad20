"""Work to be done later, in order of time, by one thread."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread
from time import monotonic

import structlog

from flowmanager.errors import FlowManagerError

log = structlog.get_logger()

Work = Callable[[], None]
STOP_SECONDS = 5.0


class Timetable:
    """Keeps work until it is due. Without `start` nothing is done but by `run_due`."""

    def __init__(self, *, speed: float = 1.0, clock: Callable[[], float] = monotonic) -> None:
        """`speed` 2 halves every delay."""
        self.clock = clock
        self._speed = speed
        self._entries: list[tuple[float, int, Work]] = []
        self._numbers = count()
        self._changed = Condition()
        self._stopping = False
        self._thread: Thread | None = None

    def after(self, seconds: float, work: Work) -> None:
        """Do the work after so many seconds; what is due at the same time keeps its order."""
        with self._changed:
            heappush(self._entries, (self.clock() + seconds / self._speed, next(self._numbers), work))
            self._changed.notify()

    def next_due(self) -> float | None:
        """Return when the next work is due; None: there is none."""
        with self._changed:
            return self._entries[0][0] if self._entries else None

    def run_due(self) -> None:
        """Do all work that is due."""
        while work := self._pop_due():
            try:
                work()
            except FlowManagerError as error:
                log.warning("stub_work_failed", reason=error.reason, why=str(error))

    def _pop_due(self) -> Work | None:
        with self._changed:
            if self._stopping or not self._entries or self._entries[0][0] > self.clock():
                return None
            return heappop(self._entries)[2]

    def start(self) -> None:
        """Do work when it is due, in a thread, until `stop`."""
        self._thread = Thread(target=self._run, name="stub-timetable", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping:
            self.run_due()
            with self._changed:
                if not self._must_act():
                    self._changed.wait(self._seconds_left())

    def _must_act(self) -> bool:
        return self._stopping or self._seconds_left() == 0.0

    def _seconds_left(self) -> float | None:
        return max(self._entries[0][0] - self.clock(), 0.0) if self._entries else None

    def stop(self) -> None:
        """Do nothing more; waits for the work in hand."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
