"""At which time a flow's conditions on date and time turn out as wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.executors.condition_datetime import fits

DAYS = 367
MINUTE = timedelta(minutes=1)


@frozen
class Wish:
    """A condition that was met so long after the beginning, and how it is to turn out."""

    elapsed: timedelta
    option: Mapping[str, Any]
    result: bool

    def holds(self, begin: datetime) -> bool:
        """Say whether it turns out so when the simulation begins at a moment."""
        return fits(begin + self.elapsed, self.option) is self.result


def beginning(now: datetime, wishes: Sequence[Wish]) -> datetime | None:
    """Return the first beginning from now on at which all turn out as wanted; None: there is none within a year."""
    return next((one for one in candidates(now, wishes) if all(wish.holds(one) for wish in wishes)), None)


def candidates(now: datetime, wishes: Sequence[Wish]) -> Iterator[datetime]:
    """Yield beginnings: today and each day of a year, at the times that make a difference."""
    times = sorted({time for wish in wishes for time in times_of(wish)} | {(now.hour, now.minute)})
    first = now.replace(hour=0, minute=0)
    elapsed = wishes[-1].elapsed if wishes else timedelta()
    yield now
    for day in range(DAYS):
        for hour, minute in times:
            yield first + timedelta(days=day, hours=hour, minutes=minute) - elapsed


def times_of(wish: Wish) -> Iterator[tuple[int, int]]:
    """Yield the times of day around the one that a condition names."""
    hour, minute = max(wish.option["hour"], 0), max(wish.option["minute"], 0)
    named = datetime(2000, 1, 1, hour, minute)
    for near in (named, named + MINUTE, named - MINUTE, named + 60 * MINUTE, named - 60 * MINUTE):
        yield near.hour, near.minute
    yield from ((0, 0), (12, 0), (23, 59))
