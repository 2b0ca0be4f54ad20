"""An exploration as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent

import click

from flowmanager.exploration.draft import script_text
from flowmanager.exploration.explore import Exploration
from flowmanager.exploration.findings import Finding


def show(found: Exploration) -> str:
    """Return it as a text."""
    return "\n".join([*summary(found), *missing(found), *findings(found)])


def summary(found: Exploration) -> Iterator[str]:
    """Yield what was done and how much of the flow was reached."""
    ends = ", ".join(f"{count} {reason}" for reason, count in found.ends.most_common())
    done = "every branch that was found" if found.complete else "given up: there is more, allow it with --max-runs"
    yield f"{found.runs} runs ({done}): {ends}"
    coverage = found.coverage
    yield share("actions", len(coverage.actions), len(coverage.graph.actions), coverage.action_percent)
    yield share("edges", len(coverage.edges), len(coverage.graph.edges), coverage.edge_percent)
    troubles = found.troubles
    kinds = ", ".join(f"{count} {kind}" for kind, count in troubles.counts().items()) or "none"
    yield share("troubles", len(troubles.tried), len(troubles.possible), troubles.percent) + f"  ({kinds})"


def share(name: str, reached: int, every: int, percent: float) -> str:
    """Return one line of coverage."""
    colour = "green" if reached == every else "yellow"
    return f"{name:<8} {reached} of {every}  " + click.style(f"{percent:.0f} %", fg=colour)


def missing(found: Exploration) -> Iterator[str]:
    """Yield what was not reached."""
    actions, edges = found.coverage.missing_actions(), found.coverage.missing_edges()
    if actions or edges:
        yield ""
        yield click.style("never reached", bold=True)
    for action in actions:
        yield f"  {action}: {found.reasons.of_action(action)}"
    for edge in edges:
        yield f"  {edge}: {found.reasons.of_edge(edge)}"


HEADS = {"error": "ends in an error", "limit": "runs into a limit", "never ends": "never ends"}


def findings(found: Exploration) -> Iterator[str]:
    """Yield what went wrong."""
    for one in found.findings:
        yield ""
        yield from finding(one)


def finding(one: Finding) -> Iterator[str]:
    """Yield one thing that went wrong, and how to see it."""
    provoked = " when others fail" if one.provoked else ""
    yield click.style(f"{HEADS[one.kind]}{provoked}", fg="yellow" if one.provoked else "red", bold=True)
    yield f"  {one.why}  ({one.runs} run{'s' if one.runs > 1 else ''})"
    yield from (f"  also: {why}" for why in one.also)
    if not one.reproduced:
        yield "  this script comes near, but ends otherwise: what was decided cannot be said in a script"
    yield "  script:"
    yield indent(script_text(one.script), "    ").rstrip()
