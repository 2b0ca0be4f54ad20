"""When a `condition_datetime` is true, as sets of weekdays, dates and minutes; each set is the bits of a number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from flowmanager.core.conditions import OPERATORS
from flowmanager.core.frozen import frozen

MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DATES = [(month, day) for month, days in enumerate(MONTH_DAYS, 1) for day in range(1, days + 1)]
ALL_WEEKDAYS = (1 << 7) - 1
ALL_DATES = (1 << len(DATES)) - 1
ALL_MINUTES = (1 << 24 * 60) - 1
EVERY_HOUR = sum(1 << hour * 60 for hour in range(24))
ON_DAY = [sum(1 << number for number, (_, day) in enumerate(DATES) if day == wanted) for wanted in range(32)]


@frozen
class Window:
    """The moments at which a condition is true: those of which weekday, date and minute are all in it."""

    weekdays: int
    dates: int
    minutes: int

    @property
    def parts(self) -> tuple[int, int, int]:
        """All three sets."""
        return self.weekdays, self.dates, self.minutes

    @property
    def never(self) -> bool:
        """Whether there is no such moment."""
        return not all(self.parts)

    @property
    def always(self) -> bool:
        """Whether every moment is one."""
        return self.parts == EVERYTHING

    @property
    def kinds(self) -> tuple[bool, bool, bool]:
        """Which of the three sets leave something out."""
        weekdays, dates, minutes = (part != everything for part, everything in zip(self.parts, EVERYTHING, strict=True))
        return weekdays, dates, minutes


EVERYTHING = (ALL_WEEKDAYS, ALL_DATES, ALL_MINUTES)


def compares(option: Mapping[str, Any]) -> bool:
    """Say whether a condition compares a date or a time of day."""
    return bool(option["month"] >= 1 or option["day"] >= 1 or option["hour"] >= 0 or option["minute"] >= 0)


def window_of(option: Mapping[str, Any]) -> Window:
    """Return when a condition is true."""
    sign = option["condition"]
    weekdays = sum(1 << day for day in set(option["weekdays"])) or ALL_WEEKDAYS
    return Window(weekdays, dates_of(sign, option["month"], option["day"]), minutes_of(sign, option))


def dates_of(sign: str, month: int, day: int) -> int:
    """Return the dates that fit; a month or day below 1 does not count."""
    if month >= 1 and day >= 1:
        before = bisect_left(DATES, (month, day))
        same = 1 << before if (month, day) in DATES[before : before + 1] else 0
        return chosen(sign, (1 << before) - 1, same, ALL_DATES)
    if month >= 1:
        before, behind = bisect_left(DATES, (month, 0)), bisect_left(DATES, (month + 1, 0))
        return chosen(sign, (1 << before) - 1, (1 << behind) - (1 << before), ALL_DATES)
    if day >= 1:
        return chosen(sign, sum(ON_DAY[1:day]), ON_DAY[day], ALL_DATES)
    return ALL_DATES


def minutes_of(sign: str, option: Mapping[str, Any]) -> int:
    """Return the minutes of the day that fit; an hour or minute below 0 does not count."""
    hour, minute = option["hour"], option["minute"]
    if hour >= 0 and minute >= 0:
        number = hour * 60 + minute
        return chosen(sign, (1 << number) - 1, 1 << number, ALL_MINUTES)
    if hour >= 0:
        return chosen(sign, (1 << hour * 60) - 1, ((1 << 60) - 1) << hour * 60, ALL_MINUTES)
    if minute >= 0:
        return chosen(sign, ((1 << minute) - 1) * EVERY_HOUR, (1 << minute) * EVERY_HOUR, ALL_MINUTES)
    return ALL_MINUTES


def chosen(sign: str, before: int, same: int, everything: int) -> int:
    """Return what an operator lets through of what lies before a value, at it, and behind it."""
    behind = everything ^ before ^ same
    found = OPERATORS.get(sign)
    if found is None:
        return 0
    return (before if found(0, 1) else 0) | (same if found(1, 1) else 0) | (behind if found(2, 1) else 0)
