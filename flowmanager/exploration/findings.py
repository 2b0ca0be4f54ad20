"""Simulations that ended as nobody wants it: in an error, at a limit, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.exploration.choices import Choice
from flowmanager.exploration.troubles import PROVOKED, SILENT
from flowmanager.simulation.result import Result

KINDS: Mapping[str, str] = {
    "error": "error",
    "limit_iterations": "limit",
    "limit_executions": "limit",
    "waiting": "never ends",
    "blocked": "never ends",
    "executing": "never ends",
}


@frozen
class Finding:
    """One such end. `runs`: how many simulations had it; `script`: the shortest way to it."""

    kind: str
    why: str
    runs: int
    script: Mapping[str, Any]
    decisions: tuple[str, ...]
    """What was decided on the way otherwise than at first."""
    provoked: bool
    """Another manager or a server was made to fail on the way."""
    reproduced: bool = True
    """The script alone, tried afterwards, came to the same end."""
    also: tuple[str, ...] = ()
    """How it ended when the same failed in another way."""

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """What makes one better told than another: unprovoked, short, and an error rather than a silence."""
        return self.provoked, len(self.decisions), any(one.endswith(SILENT) for one in self.decisions)

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "kind": self.kind,
            "why": self.why,
            "runs": self.runs,
            "provoked": self.provoked,
            "decisions": list(self.decisions),
            "script": dict(self.script),
            "reproduced": self.reproduced,
            "also": list(self.also),
        }


def kind_of(result: Result) -> str | None:
    """Return what is wrong with an end; None: nothing."""
    return KINDS.get(result.ended)


def decisions_of(choices: Sequence[Choice]) -> tuple[str, ...]:
    """Return the decisions in words; where the first possibility was taken there is nothing to tell."""
    keys = (choice for choice in choices if choice.taken or choice.option.startswith("presses"))
    return tuple(f"{choice.where}: {choice.option}" for choice in keys)


def last_failure(choices: Sequence[Choice]) -> str:
    """Return what was made to fail last; empty: nothing."""
    return next((choice.where for choice in reversed(choices) if choice.option in PROVOKED), "")


def key_of(kind: str, result: Result, failure: str) -> tuple[str, str, str]:
    """Return what tells a finding from others: of a provoked one the place, not the words of the error."""
    if not failure:
        return kind, result.why, ""
    place = next((one.action for one in reversed(result.history) if not one.flow), "")
    return kind, f"{result.ended} {place}", failure
