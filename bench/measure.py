"""Measuring one scenario: rounds, and what each operation cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from bench.machine import Watched, memory_of, server_pids
from bench.room import Load, Side, load
from tests.services import Services


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed."""

    rate: float
    """Operations a second."""
    p50: float
    p99: float
    """Milliseconds of one operation."""
    cpu: dict[str, float]
    """Milliseconds of CPU for one operation, by part."""


@dataclass(slots=True)
class Result:
    """All rounds of one scenario at one number in flight."""

    scenario: str
    in_flight: int
    label: str
    rounds: list[Round] = field(default_factory=list)
    memory: int = 0
    """Resident bytes of the largest worker process."""
    round_trips: float | None = None
    """To the database, for each operation."""

    def middle(self, name: str) -> float:
        """Return the median over the rounds."""
        return float(median(getattr(one, name) for one in self.rounds))

    def spread(self) -> float:
        """Return the distance between best and worst round, relative to the median."""
        rates = [one.rate for one in self.rounds]
        return (max(rates) - min(rates)) / median(rates)

    def cpu(self, part: str) -> float:
        """Return the median milliseconds of CPU for one operation."""
        return median(one.cpu[part] for one in self.rounds)

    def line(self) -> str:
        """Return the result for a person."""
        cpu = " ".join(f"{part} {self.cpu(part):.2f}" for part in self.rounds[0].cpu)
        rate, p50, p99 = (self.middle(name) for name in ("rate", "p50", "p99"))
        return (
            f"{self.scenario:12} {self.in_flight:3} {self.label:8} {rate:8.0f}/s ±{self.spread() / 2:4.0%}"
            f"  p50 {p50:7.2f} ms  p99 {p99:7.2f} ms  cpu ms: {cpu}  rss {self.memory / 1e6:.0f} MB"
        )

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "scenario": self.scenario,
            "in_flight": self.in_flight,
            "label": self.label,
            "rate": self.middle("rate"),
            "spread": self.spread(),
            "p50_ms": self.middle("p50"),
            "p99_ms": self.middle("p99"),
            "cpu_ms": {part: self.cpu(part) for part in self.rounds[0].cpu},
            "rss_mb": self.memory / 1e6,
            "round_trips": self.round_trips,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """How one scenario is measured."""

    scenario: str
    in_flight: int
    seconds: float
    rounds: int
    warm_up: float


def measured(plan: Plan, services: Services, sides: Mapping[Side, list[int]]) -> list[Result]:
    """Measure one scenario at one load, on all sides in turns. `sides`: the processes of each."""
    results = [Result(plan.scenario, plan.in_flight, side.label) for side in sides]
    servers = server_pids(services)
    with ExitStack() as stack:
        loads = [stack.enter_context(load(side, plan.scenario, plan.in_flight)) for side in sides]
        for one in loads:
            one.round(plan.warm_up)
        for _ in range(plan.rounds):
            for pids, one, result in zip(sides.values(), loads, results, strict=True):
                result.rounds.append(play(one, Watched({"worker": pids, **servers}), plan.seconds))
    for pids, result in zip(sides.values(), results, strict=True):
        result.memory = memory_of(pids)
    return results


def play(load: Load, watched: Watched, seconds: float) -> Round:
    """Run one round. Raises RuntimeError when nothing was finished."""
    before = watched.cpu()
    told = load.round(seconds)
    after = watched.cpu()
    times = [1000 * one for one in told["times"]]
    if len(times) < 2:
        raise RuntimeError("less than two operations were finished: make the rounds longer")
    cpu = {part: 1000 * (after[part] - before[part]) / len(times) for part in after}
    return Round(len(times) / told["seconds"], median(times), percentile(times, 99), cpu)


def percentile(values: Sequence[float], number: int) -> float:
    """Return a percentile."""
    return quantiles(values, n=100, method="inclusive")[number - 1]
