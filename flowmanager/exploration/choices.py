"""Decisions of one simulation: a list of them says how it goes, so the same list goes the same way again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flowmanager.core.frozen import frozen
from flowmanager.simulation.director import Enough


class Joined(Enough):
    """From here on the simulation would go as another one went."""


@frozen
class Choice:
    """One decision: of which kind, at which action, between what, and what was taken."""

    kind: str
    where: str
    options: tuple[str, ...]
    taken: int
    situation: str
    """Everything that decides how the flow can go on from here."""

    @property
    def option(self) -> str:
        """What was taken."""
        return self.options[self.taken]

    @property
    def mark(self) -> tuple[str, str, str]:
        """What tells it from other decisions, wherever it is made."""
        return self.kind, self.where, self.option

    def other(self, number: int) -> tuple[str, str, str]:
        """What another option would be told by."""
        return self.kind, self.where, self.options[number]


@dataclass(slots=True)
class Chooser:
    """Takes the options of a given list, then always the first one."""

    given: Sequence[int] = ()
    known: Callable[[str], bool] = lambda _situation: False
    """Says whether a simulation, perhaps this one, was in a situation."""
    taken: list[Choice] = field(default_factory=list)
    joined: bool = False
    circle: int | None = None
    """Number of the decision that would be made once more: the simulation goes round."""

    def choose(self, kind: str, where: str, options: Sequence[str], situation: str) -> str:
        """Return the option to take. Raises Joined where another simulation has been."""
        number = len(self.taken)
        if number >= len(self.given) and self.known(situation):
            self.joined = True
            self.circle = next((place for place, one in enumerate(self.taken) if one.situation == situation), None)
            raise Joined("goes on like another one")
        index = self.given[number] if number < len(self.given) else 0
        choice = Choice(kind, where, tuple(options), min(index, len(options) - 1), situation)
        self.taken.append(choice)
        return choice.option
