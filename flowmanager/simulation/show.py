"""A simulation as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import indent

import click

from flowmanager.schemas.fields import CANONICAL
from flowmanager.simulation.result import Result
from flowmanager.simulation.telling import span
from flowmanager.simulation.timeline import Entry

COLOURS = {
    "action": "green",
    "caller": "cyan",
    "peer": "blue",
    "request": "blue",
    "event": "blue",
    "variable": "magenta",
    "end": "yellow",
    "note": "white",
}
WHO = {
    "caller": "caller",
    "peer": "peer",
    "request": "  asks",
    "event": "event",
    "variable": "  sets",
    "end": "end",
    "note": "·",
}
LABEL_WIDTH, TYPE_WIDTH = 24, 16
SHORT_ID = 8


def clock(seconds: float) -> str:
    """Return a time offset: `0:05.3`, `1:02:05.3`."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def shortened(text: str, *, width: int) -> str:
    """Return a text with ids shortened, cut to a width; 0: as it is."""
    one_line = CANONICAL.sub(lambda found: f"{found[0][:SHORT_ID]}…", " ".join(text.split()))
    return f"{one_line[: width - 1]}…" if width and len(one_line) > width else one_line


def line_of(entry: Entry, *, width: int) -> str:
    """Return one line of the timeline."""
    when = f"{clock(entry.at):>9}"
    whose = f"{entry.flow}: " if entry.flow and ":" not in entry.action else ""
    indent = "  " * entry.depth
    if entry.kind == "action":
        label = f"{indent}{whose}{entry.action}"
        who = click.style(f"{label:<{LABEL_WIDTH}}", fg=COLOURS["action"])
        kind = "" if entry.type and f"({entry.type})" == entry.action else entry.type
        shown = f"{kind:<{TYPE_WIDTH}} {shortened(entry.what, width=width)}"
    else:
        who = click.style(f"{whose + WHO[entry.kind]:<{LABEL_WIDTH}}", fg=COLOURS[entry.kind])
        shown = shortened(entry.what, width=width)
    return f"{when}  {who} {shown}".rstrip()


def shown_lines(entries: Iterable[Entry], *, everything: bool, width: int = 0) -> list[str]:
    """Return the timeline; without `everything` what the action lines say already is left out."""
    return [line_of(one, width=width) for one in entries if everything or not one.facts.get("quiet")]


def show(result: Result, *, everything: bool = False, width: int = 0) -> str:
    """Return a whole simulation as a text."""
    lines = shown_lines(result.timeline, everything=everything, width=width)
    told = {name: value for name, value in result.variables.items() if everything or not name.startswith("voipbin.")}
    lines += ["", *(f"{name} = {value!r}" for name, value in told.items() if value)]
    lines += [f"{result.why}, after {span(result.lasted)}"]
    return "\n".join(lines)


def show_all(results: Mapping[str, Result]) -> str:
    """Return several simulations as a text: a line for each, and what was not as its script expected."""
    width = max(len(name) for name in results)
    lines: list[str] = []
    for name, one in results.items():
        word = click.style("ok  ", fg="green") if one.ok else click.style("FAIL", fg="red")
        lines.append(f"{word}  {name:<{width}}  {one.why}, after {span(one.lasted)}")
        lines += [indent(failure, "      ") for failure in one.failures]
    good = sum(one.ok for one in results.values())
    return "\n".join([*lines, "", f"{good} of {len(results)} scripts as expected"])


def verdict(result: Result) -> str:
    """Return what was not as the script expected; empty when all was."""
    return "\n".join(click.style(one, fg="red") for one in result.failures)
