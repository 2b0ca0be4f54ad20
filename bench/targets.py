"""What is wanted of a run, and whether it was reached there: ratios of one run, so that the machine does not matter.

The exception is the original, bin-flow-manager, whose numbers are of another run on two cores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.measure import Result
from bench.report import of_least

ORIGINAL = {
    "get": {1: 632, 8: 1424, 32: 1480},
    "create": {1: 78, 8: 159},
    "next": {1: 111, 8: 171, 32: 198},
    "ivr": {1: 18, 8: 27, 32: 32},
    "pure20": {1: 7, 8: 9, 32: 9},
}
"""Operations a second by those in flight; 32 creations at a time made it collapse."""
TIMES_ORIGINAL = {"get": 1, "create": 3, "next": 3, "ivr": 3, "pure20": 50}
OF_LEAST = {"get": 0.6, "next": 0.5}
LOADED = 8
"""In flight: from here on both cores are busy."""
STEPS = 7
"""Requests of a call flow."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its bound: the least that is wanted, or the most."""

    name: str
    figure: float
    bound: float
    most: bool = False

    @property
    def reached(self) -> bool:
        """Say whether the bound is kept."""
        return self.figure <= self.bound if self.most else self.figure >= self.bound

    def line(self, in_flight: int) -> str:
        """Return it for a person."""
        sign = "at most" if self.most else "at least"
        said = "reached" if self.reached else "NOT reached"
        return f"{self.name:36} {in_flight:3}  {self.figure:6.2f}  {sign} {self.bound:5.2f}  {said}"


def reached(results: Sequence[Result]) -> str:
    """Return a line for each target that the results say something about."""
    lines = ["what is wanted:"]
    for in_flight in dict.fromkeys(one.in_flight for one in results):
        at_it = {one.scenario: one for one in results if one.in_flight == in_flight}
        lines += [target.line(in_flight) for target in targets(at_it, in_flight)]
    return "\n".join(lines)


def targets(results: dict[str, Result], in_flight: int) -> Iterator[Target]:
    """Yield the targets at one load."""
    for name, bound in OF_LEAST.items():
        part = of_least(results[name], list(results.values())) if name in results else None
        if part is not None and (name == "get" or in_flight >= LOADED):
            yield Target(f"{name}, of the least", part, bound)
    yield from against_next(results)
    for name, times in TIMES_ORIGINAL.items():
        known = ORIGINAL[name].get(in_flight)
        if known and name in results:
            yield Target(f"{name}, times the original", results[name].middle("rate") / known, times)


def against_next(results: dict[str, Result]) -> Iterator[Target]:
    """Yield those that are told by a step."""
    step = results.get("next")
    if step is None:
        return
    yield Target("next, p99 by p50", step.middle("p99") / step.middle("p50"), 3, most=True)
    if "pure20" in results:
        yield Target("pure20, times as long as next", step.ratio(results["pure20"], "rate"), 1.3, most=True)
    if "ivr" in results:
        yield Target(f"ivr, of next / {STEPS}", STEPS * results["ivr"].ratio(step, "rate"), 1)
    for name, bound in (("next_long", 1.2), ("next_flow500", 1.5)):
        if name in results:
            yield Target(f"{name}, p50 by that of next", results[name].ratio(step, "p50"), bound, most=True)
    if "next_waits" in results:
        yield Target("next_waits, p99 by that of next", results["next_waits"].ratio(step, "p99"), 2, most=True)
