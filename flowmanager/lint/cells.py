"""All moments, divided so that each condition of a flow is true in whole cells: what can still be said of "now"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flowmanager.lint.times import EVERYTHING, Window

MOST_CELLS = 4096
"""A flow with so many different times is not looked at further."""

MOST_WINDOWS = 200
"""Nor is one with so many."""


class Cells:
    """The cells; a set of them is the bits of a number."""

    def __init__(self, windows: Iterable[Window]) -> None:
        given = dict.fromkeys(windows)
        distinct = given if len(given) <= MOST_WINDOWS else {}
        weekdays, dates, minutes = (
            divided(everything, {window.parts[kind] for window in distinct})
            for kind, everything in enumerate(EVERYTHING)
        )
        self.count = len(weekdays) * len(dates) * len(minutes)
        self.many = self.count > MOST_CELLS or distinct is not given
        self.everything = (1 << self.count) - 1
        cells = [] if self.many else [(day, date, minute) for day in weekdays for date in dates for minute in minutes]
        self.bits = {window: bits_of(window, cells) for window in distinct}


def divided(everything: int, sets: Iterable[int]) -> Sequence[int]:
    """Divide a set so that each of some others is made of whole parts."""
    parts = [everything]
    for one in sets:
        parts = [part for whole in parts for part in (whole & one, whole & ~one) if part]
    return parts


def bits_of(window: Window, cells: Sequence[tuple[int, int, int]]) -> int:
    """Return the cells in which a condition is true."""
    weekdays, dates, minutes = window.parts
    return sum(
        1 << number
        for number, (day, date, minute) in enumerate(cells)
        if weekdays & day and dates & date and minutes & minute
    )
