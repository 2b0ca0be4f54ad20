"""Things that go on beside each other, in one thread of the machine: each a bit at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from flowmanager.simulation.script import Event

Condition = Callable[[], bool]
Acts = Generator[Condition, None, None]


@dataclass(slots=True)
class Thread:
    """Something that goes on, a bit at a time, as soon as what it waits for is so."""

    acts: Acts
    event: Event | None = None
    """The event that it brings; None: the steps."""
    wanted: Condition | None = None
    over: bool = False
    busy: bool = False
    """It does something just now, in which time passes: it is not asked to go on."""

    def go_on(self) -> None:
        """Go on as far as that is possible now."""
        while not self.busy and not self.over and (self.wanted is None or self.wanted()):
            self.busy = True
            try:
                self.wanted = next(self.acts, None)
            finally:
                self.busy = False
            self.over = self.wanted is None
