"""The script that makes happen again what one simulation of an exploration did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from flowmanager.core.frozen import frozen
from flowmanager.ports import Ask
from flowmanager.schemas.fields import CANONICAL
from flowmanager.simulation.script import Hangup, Press, Silence, Step

TIMES = {1: "once", 2: "twice"}


@frozen
class Fault:
    """What goes wrong with some requests in a row, and how many of them were good before."""

    said: str
    good: int
    times: int = 1

    def __str__(self) -> str:
        """Say it as scripts do."""
        times = TIMES.get(self.times, f"{self.times} times")
        return f"{self.said} {times}" + (f" after {self.good} good" if self.good else "")


@dataclass(slots=True)
class Draft:
    """A script as plain values, as far as something differs from the script that was given."""

    values: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    """How often each request was made."""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    """What goes wrong with requests, and what they are answered."""

    def part(self, name: str) -> dict[str, Any]:
        """Return an object of the script."""
        found: dict[str, Any] = self.values.setdefault(name, {})
        return found

    def step(self, step: Step) -> None:
        """Add a step."""
        self.values.setdefault("steps", []).append(step_values(step))

    def begin_at(self, moment: datetime) -> None:
        """Begin at another time."""
        self.values["start"] = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"

    def count(self, ask: Ask) -> None:
        """Count a request."""
        line = line_of(ask)
        self.asked[line] = self.asked.get(line, 0) + 1

    def fault(self, ask: Ask, said: str) -> None:
        """Let something go wrong with a request, the last one that was counted."""
        line = line_of(ask)
        faults = self.faults.setdefault(line, [])
        good = self.asked[line] - 1 - sum(one.times for one in faults)
        last = faults[-1] if faults else None
        if last is not None and (last.said, last.good) == (said, good):
            faults[-1] = replace(last, times=last.times + 1)
        else:
            faults.append(Fault(said, good))
        self.tell(line)

    def answer(self, line: str, answer: Mapping[str, Any]) -> None:
        """Let such requests be answered so, as far as nothing goes wrong with them."""
        self.answers[line] = {"answer": dict(answer)}
        self.tell(line)

    def tell(self, line: str) -> None:
        """Write down how such requests are treated: the first rule that is not used up counts."""
        rules = [*map(str, self.faults.get(line, ())), *([self.answers[line]] if line in self.answers else ())]
        self.part("peers")[line] = rules[0] if len(rules) == 1 else rules


def line_of(ask: Ask) -> str:
    """Return manager, method and URI of a request, without ids."""
    return f"{ask.peer} {ask.method} {CANONICAL.sub('<id>', ask.uri.partition('?')[0])}"


def step_values(step: Step) -> Any:
    """Return a step as scripts write it."""
    match step:
        case Press():
            return {"press": step.keys}
        case Silence():
            return {"silence": "until timeout"}
        case Hangup():
            return {"hangup": when(step)} if step != Hangup() else "hangup"
        case _:
            return "continue"


def when(step: Hangup) -> str:
    """Return when somebody hangs up."""
    after = f"{round(step.after, 3):g}s"
    if not step.at:
        return f"after {after}"
    return f"{after} after {step.at}" if step.after else f"at {step.at}"


def script_text(values: Mapping[str, Any]) -> str:
    """Return a script as YAML; without the package for that as JSON, which is YAML too."""
    try:
        import yaml  # noqa: PLC0415 (an extra: a worker does not need it)
    except ImportError:
        return orjson.dumps(values, option=orjson.OPT_INDENT_2).decode()
    return str(yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)) if values else "{}\n"


def folded(steps: list[Any]) -> list[Any]:
    """Return steps of which the last ones come again and again as one `repeat`."""
    for period in range(1, len(steps) // 3 + 1):
        times = repeats(steps, period)
        if times > 2:
            begin = len(steps) - times * period
            return [*steps[:begin], {"repeat": {"times": times, "steps": steps[-period:]}}]
    return steps


def repeats(steps: list[Any], period: int) -> int:
    """Return how often the last steps, so many, come one after the other."""
    times, last = 1, steps[-period:]
    while steps[len(steps) - (times + 1) * period : len(steps) - times * period] == last:
        times += 1
    return times
