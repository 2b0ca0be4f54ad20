"""`flowmanager simulate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from flowmanager.console import told
from flowmanager.exploration.explore import MAX_RUNS, Explorer, Progress
from flowmanager.exploration.show import show as show_exploration
from flowmanager.exploration.troubles import ALL_KINDS
from flowmanager.simulation.flow_file import FlowBody, read_flow_file
from flowmanager.simulation.run import run_simulation
from flowmanager.simulation.script import PULL, PUSH, Script
from flowmanager.simulation.script_reader import read_script_file
from flowmanager.simulation.show import show, verdict

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("flow", type=READABLE)
@click.option("--script", "script_file", type=READABLE, help="What the caller does and what must come of it, in YAML.")
@click.option(
    "--mode",
    type=click.Choice([PUSH, PULL]),
    help="Who drives a call: flow-manager (push), or call-manager that asks for each action (pull). "
    "If nothing is said, what the script says; else push.",
)
@click.option("--explore", is_flag=True, help="Walk every branch that can be found, and tell what was not reached.")
@click.option(
    "--max-runs",
    default=MAX_RUNS,
    show_default=True,
    type=click.IntRange(1),
    help="With --explore: how many simulations at most.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(ALL_KINDS),
    help="With --explore: a kind of trouble that is not tried: others fail, do not answer (timeout), media cannot be "
    "carried out, the caller hangs up. May be repeated.",
)
@click.option(
    "--min-coverage",
    default=0.0,
    type=click.FloatRange(0, 100),
    help="With --explore: fail below so many percent of actions or edges.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--everything", is_flag=True, help="Show requests that only carry out what a line says already, too.")
@told
def command(flow: Path, script_file: Path | None, explore: bool, **options: Any) -> None:
    """Try a flow without a phone: the real engine on a virtual clock.

    FLOW is a flow, or its list of actions, in JSON. Without a script the caller listens to all and presses nothing.

    Exit status: 0 as expected; 1 the script expected something else, or --min-coverage was missed; 2 flow or script
    cannot be read.
    """
    if options["min_coverage"] and not explore:
        raise click.UsageError("--min-coverage needs --explore: one simulation alone covers little.")
    if options["without"] and not explore:
        raise click.UsageError("--without needs --explore: in one simulation only the script's troubles happen.")
    body = read_flow_file(flow)
    script = read_script_file(script_file) if script_file else Script()
    script = replace(script, mode=options["mode"] or script.mode)
    sys.exit(explored(body, script, options) if explore else played(body, script, options))


def played(flow: FlowBody, script: Script, options: Mapping[str, Any]) -> int:
    """Run one simulation, show it, and return the exit status."""
    result = run_simulation(flow, script)
    write(result.wire() if options["as_json"] else show(result, everything=options["everything"]))
    if not result.ok:
        click.echo(f"\n{verdict(result)}", err=True)
    return 0 if result.ok else 1


def explored(flow: FlowBody, script: Script, options: Mapping[str, Any]) -> int:
    """Explore a flow, show what was found, and return the exit status."""
    troubles = [kind for kind in ALL_KINDS if kind not in options["without"]]
    explorer = Explorer(flow, script, max_runs=options["max_runs"], troubles=troubles)
    with bar(options["max_runs"]) as progress:
        found = explorer.explore(progress)
    write(found.wire() if options["as_json"] else show_exploration(found))
    reached, wanted = found.coverage.percent, options["min_coverage"]
    if reached < wanted:
        click.echo(f"\ncoverage is {reached:.1f} %, wanted are {wanted:g} %", err=True)
    return 0 if reached >= wanted else 1


@contextmanager
def bar(most: int) -> Iterator[Progress]:
    """Show on a terminal how far it is; the end may come much earlier."""
    if not sys.stderr.isatty():
        yield lambda _runs: None
        return
    with click.progressbar(length=most, label="exploring", file=sys.stderr, show_pos=True) as shown:
        yield shown.update


def write(what: Any) -> None:
    """Print a text as it is, anything else as JSON."""
    click.echo(what if isinstance(what, str) else orjson.dumps(what, option=orjson.OPT_INDENT_2))
