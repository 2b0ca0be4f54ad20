"""Recordings of the reference service (bin-flow-manager) as values; each file of `recordings/` is one scenario.

A step is a request with its answer, an event, or a wait; `asked` is what other managers were asked meanwhile and what
they answered (`reply` null: nothing). A request that is a text is sent as it is: it is about malformed messages.
Left out because they are not compared: the webhook and event stream, what the reference asks itself, rows of its
database, and the fields that count or cache (`execute_count`, `executed_actions`, `stack_map`, the pending jump).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request to another manager. `body` is what its sender put beside method and URI, if anything."""

    peer: str
    method: str
    uri: str
    body: Any = None
    reply: Any = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `status` None: the reference gave no answer."""

    number: int
    request: Any = None
    status: int | None = None
    answer: Any = None
    event: Any = None
    to: str = ""
    wait: float = 0.0
    """Seconds."""
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A scenario: steps to play, or a table of single actions and how each came out."""

    name: str
    description: str
    steps: Sequence[Step]
    table: Sequence[Mapping[str, Any]]
    now: str
    """When the table was recorded."""

    @property
    def talks(self) -> bool:
        """Whether it is about other managers, more than giving each flow its direct hash, or about events."""
        return any(step.event or any(one.peer != "direct" for one in step.asked) for step in self.steps)

    @property
    def waits(self) -> bool:
        """Whether a manager stays silent in it: over a real broker that takes as long as the longest time limit."""
        return any(asked.reply is None for step in self.steps for asked in step.asked)


def scenario(path: Path) -> Scenario:
    """Read a scenario."""
    found = json.loads(path.read_text())
    steps = [step(one) for one in found.get("steps", [])]
    return Scenario(path.stem, found["description"], steps, found.get("table", []), found.get("now", ""))


def step(found: Mapping[str, Any]) -> Step:
    """Read a step."""
    asked = tuple(
        Asked(peer=one["peer"], method=one["method"], uri=one["uri"], body=one.get("data"), reply=one["reply"])
        for one in found.get("asked", [])
    )
    told = {key: found[key] for key in ("request", "status", "answer", "event", "to", "wait") if key in found}
    return Step(number=found["step"], asked=asked, **told)


def scenarios() -> list[Scenario]:
    """Read all scenarios."""
    return [scenario(path) for path in sorted(FOLDER.glob("*.json"))]
