"""Simulations that ended as nobody wants it: in an error, at a limit, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowmanager.exploration.choices import Choice
from flowmanager.exploration.curious import FAILS
from flowmanager.simulation.result import Result

KINDS: Mapping[str, str] = {
    "error": "error",
    "limit_iterations": "limit",
    "limit_executions": "limit",
    "waiting": "never ends",
    "blocked": "never ends",
    "executing": "never ends",
}


@dataclass(frozen=True, slots=True)
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
    return next((choice.where for choice in reversed(choices) if choice.option == FAILS), "")
