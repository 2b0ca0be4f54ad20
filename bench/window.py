"""The time in which operations are counted, and how much of each lies in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any


@dataclass(slots=True)
class Window:
    """Counts operations from the beginning of the load to `end`, in seconds of the clock that `note` uses.

    One that goes on after the end counts with the part of its time that lies before it. If only whole ones counted,
    those under way at the end would be missing: with 32 at a time and a third of a second each, an eighth of all that
    was done in a round of two seconds. The part is true as long as the load stays the same until the last of them is
    over: `is_open` says so.
    """

    end: float = inf
    users: set[Any] = field(default_factory=set)
    """Those who may be in an operation that began in the window."""
    times: list[float] = field(default_factory=list)
    """Seconds of each operation that began in the window."""
    operations: float = 0.0
    """How many, those under way at the end in part."""
    finished: int = 0
    """How many were finished, also those that began later."""

    @property
    def is_open(self) -> bool:
        """Say whether an operation that began in the window may still be under way."""
        return bool(self.users)

    def note(self, user: Any, started: float, finished: float) -> None:
        """An operation of a user is over."""
        self.finished += 1
        if finished >= self.end:
            self.users.discard(user)
        if started < self.end:
            self.times.append(finished - started)
            self.operations += min(1.0, (self.end - started) / (finished - started))
