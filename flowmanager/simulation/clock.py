"""Time that moves when it is told to, and what is to happen in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from flowmanager.stub_managers.timetable import Timetable

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass
class Clock:
    """The database's time; it moves when it is told to."""

    now: datetime = BEGINNING

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Agenda:
    """What is to happen, in order of virtual time: the stub managers' timetable with this clock instead of threads."""

    def __init__(self, clock: Clock) -> None:
        """It begins at the clock's present time."""
        self.clock = clock
        self.begin = clock.now
        # Microseconds are whole numbers: what is due at a moment is found at that moment.
        self.timetable = Timetable(speed=1e-6, clock=lambda: float(self.elapsed // MICROSECOND))

    @property
    def elapsed(self) -> timedelta:
        """How much time has passed since the beginning."""
        return self.clock.now - self.begin

    def next_due(self) -> datetime | None:
        """Return when something happens next; None: nothing ever."""
        due = self.timetable.next_due()
        return None if due is None else self.begin + timedelta(microseconds=ceil(due))
