"""Comparing what came of a simulation with what its script expects."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.simulation.result import Result
from flowmanager.simulation.script import Expect
from flowmanager.simulation.telling import span


def failures(expect: Expect, result: Result) -> list[str]:
    """Return what is not as it should be, each in a few lines."""
    return [*ending(expect, result), *variables(expect, result), *actions(expect, result), *outside(expect, result)]


def ending(expect: Expect, result: Result) -> Iterator[str]:
    """Compare the end."""
    if expect.ended and expect.ended != result.ended:
        yield compared("ended", expect.ended, f"{result.ended}   ({result.why})")
    if expect.lasts is not None and result.lasted > expect.lasts:
        yield compared("lasts", f"at most {span(expect.lasts)}", span(result.lasted))


def variables(expect: Expect, result: Result) -> Iterator[str]:
    """Compare variables; an empty value and none are the same."""
    for name, value in expect.variables.items():
        found = result.variables.get(name)
        if (found or "") != value:
            yield compared(f"variables.{name}", repr(value), "not set" if found is None else repr(found))


def actions(expect: Expect, result: Result) -> Iterator[str]:
    """Compare the way that was taken."""
    way = " → ".join(result.entered) or "no action at all"
    for name in expect.visited:
        if not result.visited(name):
            yield compared("visited", name, way)
    for name in expect.not_visited:
        if result.visited(name):
            yield compared("not_visited", f"not {name}", way)


def outside(expect: Expect, result: Result) -> Iterator[str]:
    """Compare what was said and asked."""
    said = " | ".join(result.said) or "nothing"
    for text in expect.said:
        if not any(text.lower() in one.lower() for one in result.said):
            yield compared("said", repr(text), said)
    for text in expect.not_said:
        if any(text.lower() in one.lower() for one in result.said):
            yield compared("not_said", f"not {text!r}", said)
    asked = ", ".join(dict.fromkeys(one.line for one in result.requests)) or "nobody"
    for line in expect.requests:
        if not result.asked(line):
            yield compared("requests", line, asked)
    for line in expect.no_requests:
        if result.asked(line):
            yield compared("no_requests", f"not {line}", asked)


def compared(what: str, wanted: str, found: str) -> str:
    """Return both sides, one above the other."""
    return f"expect.{what}\n  - expected {wanted}\n  + found    {found}"
