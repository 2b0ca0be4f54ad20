"""Measuring scenarios in turns: rounds, and what each operation cost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import sleep
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
    turns: tuple[str, ...] = ()
    """The scenarios that were measured in turns with it."""
    memory: int = 0
    """Resident bytes of the largest worker process."""
    round_trips: float | None = None
    """To the database, for each operation."""

    def middle(self, name: str) -> float:
        """Return the median over the rounds."""
        return float(median(self.all(name)))

    def all(self, name: str) -> list[float]:
        """Return a figure of each round."""
        return [getattr(one, name) for one in self.rounds]

    def ratio(self, other: Result, name: str) -> float:
        """Return the ratio of a figure to another result's: that of each pair of rounds, where they were in turns."""
        if self.turns == other.turns:
            return median(mine / its for mine, its in zip(self.all(name), other.all(name), strict=True))
        return self.middle(name) / other.middle(name)

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
    """How scenarios are measured."""

    in_flight: int
    seconds: float
    rounds: int
    warm_up: float


@dataclass(frozen=True, slots=True)
class Lane:
    """A scenario on one side, and the processes that do the work."""

    scenario: str
    side: Side
    pids: list[int]


def measured(plan: Plan, services: Services, lanes: Sequence[Lane]) -> list[Result]:
    """Measure scenarios at one load, a round of each in turns: a machine that is slower for a while is so for all."""
    turns = tuple(lane.scenario for lane in lanes)
    results = [Result(lane.scenario, plan.in_flight, lane.side.label, turns=turns) for lane in lanes]
    servers = server_pids(services)
    with ExitStack() as stack:
        loads = [stack.enter_context(load(lane.side, lane.scenario, plan.in_flight)) for lane in lanes]
        for one in loads:
            one.round(plan.warm_up)
        for _ in range(plan.rounds):
            for lane, one, result in zip(lanes, loads, results, strict=True):
                result.rounds.append(play(one, Watched({"worker": lane.pids, **servers}), plan.seconds))
                result.memory = memory_of(lane.pids)
    return results


def play(load: Load, watched: Watched, seconds: float) -> Round:
    """Run one round. Raises RuntimeError when there are too few operations in it."""
    before = watched.cpu()
    load.begin(seconds)
    # Of the same time as the operations: what is under way at the end goes on, but is not counted further.
    sleep(seconds)
    after = watched.cpu()
    told = load.told()
    times = [1000 * one for one in told["times"]]
    if len(times) < 2:
        raise RuntimeError("less than two operations were begun: make the rounds longer")
    cpu = {part: 1000 * (after[part] - before[part]) / (told["rate"] * seconds) for part in after}
    return Round(told["rate"], median(times), percentile(times, 99), cpu)


def percentile(values: Sequence[float], number: int) -> float:
    """Return a percentile."""
    return quantiles(values, n=100, method="inclusive")[number - 1]
