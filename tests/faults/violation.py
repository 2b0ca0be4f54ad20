"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.faults.story import Story

LOST, DOUBLED, STALE, STUCK, UNEXPECTED = SORTS = ("lost", "doubled", "stale-accepted", "stuck", "unexpected")


@dataclass(frozen=True)
class Violation:
    """One thing that must not be. `subject` is the activeflow or request."""

    invariant: str
    sort: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.sort}: {self.subject} {self.text}"


Check = Callable[[Story], Iterator[Violation]]
