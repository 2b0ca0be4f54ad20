"""Results for people and programs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

import orjson
import psutil

from bench.measure import Result

HEAD = (
    "| operation | in flight | per second | ± | of the least | p50 ms | p99 ms | worker CPU ms | database | broker |"
    " round trips | RSS MB |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)
LEAST = {"get": "least_get"}
"""With what an operation is compared; the others with `least_next`."""


def table(results: Sequence[Result]) -> str:
    """Return the results as a table in Markdown."""
    return "\n".join([HEAD, *(row(one, of_least(one, results)) for one in results)])


def row(result: Result, part: float | None) -> str:
    """Return one line of the table."""
    cpu = " | ".join(f"{result.cpu(part):.2f}" for part in ("worker", "database", "broker"))
    trips = "" if result.round_trips is None else f"{result.round_trips:.1f}"
    return (
        f"| {result.scenario}{'' if result.label == 'this' else ' @' + result.label} | {result.in_flight} |"
        f" {result.middle('rate'):.0f} | {result.spread() / 2:.0%} | {'' if part is None else f'{part:.2f}'} |"
        f" {result.middle('p50'):.2f} | {result.middle('p99'):.2f} | {cpu} | {trips} | {result.memory / 1e6:.0f} |"
    )


def of_least(result: Result, results: Sequence[Result]) -> float | None:
    """Return the rate as a ratio to that of the least worker at the same load."""
    name = LEAST.get(result.scenario, "least_next")
    found = [one for one in results if (one.scenario, one.in_flight) == (name, result.in_flight)]
    return result.ratio(found[0], "rate") if found else None


def ratios(results: Sequence[Result], here: str, there: str) -> str:
    """Return how many times as much this tree does as the other revision, and with how much CPU."""
    by_key = {(one.scenario, one.in_flight, one.label): one for one in results}
    lines = [f"this tree against {there}:"]
    for (scenario, in_flight, label), one in by_key.items():
        other = by_key.get((scenario, in_flight, there))
        if label == here and other:
            rate, p50, cpu = one.ratio(other, "rate"), one.ratio(other, "p50"), one.cpu("worker") / other.cpu("worker")
            lines.append(f"{scenario:12} {in_flight:3}  rate x{rate:.2f}  p50 x{p50:.2f}  worker CPU x{cpu:.2f}")
    return "\n".join(lines)


def write(results: Sequence[Result], folder: Path) -> None:
    """Write the results as JSON, with the machine they are of."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": {
            "processors": psutil.cpu_count(),
            "model": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "load": psutil.getloadavg()[0],
        },
        "results": [{**one.document(), "of_least": of_least(one, results)} for one in results],
    }
    (folder / "latest.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    (folder / "latest.md").write_text(table(results) + "\n")
