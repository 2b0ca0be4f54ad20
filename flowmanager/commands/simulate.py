"""`flowmanager simulate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
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
from flowmanager.simulation.flow_file import UNNAMED, FlowBody, InvalidFlow, read_flow, read_flow_file
from flowmanager.simulation.run import run_simulation
from flowmanager.simulation.script import PULL, PUSH, Script
from flowmanager.simulation.script_reader import read_script_file
from flowmanager.simulation.show import show, show_all, verdict

SCRIPTS = click.Path(exists=True, path_type=Path)
GIVEN = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
STDIN = Path("-")


@click.command(short_help="Try a flow without a phone, as a script says.")
@click.argument("flow", type=GIVEN)
@click.option(
    "--script",
    "given",
    type=SCRIPTS,
    multiple=True,
    help="What the caller does and what must come of it, in YAML. May be repeated; a folder means its *.yaml and "
    "*.yml. Of several scripts one line each is shown, and what was not as expected.",
)
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
@click.option(
    "--strict",
    is_flag=True,
    help="With --explore: fail when the flow ends in an error, at a limit or never, although nobody else failed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--everything",
    is_flag=True,
    help="Show requests that only carry out what a line says already, and variables of the platform, too.",
)
@told
def command(flow: Path, given: Sequence[Path], explore: bool, **options: Any) -> None:
    """Try a flow without a phone: the real engine on a virtual clock.

    FLOW is a flow, or its list of actions, in JSON; - is the standard input. Without a script the caller listens to all
    and presses nothing.

    Exit status: 0 as expected; 1 a script expected something else, --min-coverage was missed, or --strict found
    something; 2 flow or script cannot be read.
    """
    files = scripts_of(given)
    check(explore, files, options)
    body = read_flow(sys.stdin.buffer.read(), "-") if flow == STDIN else read_flow_file(flow)
    scripts = {str(file): read_script_file(file) for file in files} or {"": Script()}
    scripts = {name: replace(one, mode=options["mode"] or one.mode) for name, one in scripts.items()}
    [first, *others] = scripts.values()
    try:
        if explore:
            sys.exit(explored(body, first, options))
        sys.exit(played_all(body, scripts, options) if others else played(body, first, options))
    except InvalidFlow as error:
        if not error.sentence.startswith(UNNAMED):
            raise
        more = f"flowmanager lint {flow} tells all that is wrong with it"
        raise InvalidFlow(f"{flow}{error.sentence.removeprefix(UNNAMED)}; {more}") from error


def scripts_of(given: Sequence[Path]) -> list[Path]:
    """Return the files that are meant. Raises UsageError for a folder without scripts."""
    found: list[Path] = []
    for path in given:
        inside = sorted(one for one in path.iterdir() if one.suffix in (".yaml", ".yml")) if path.is_dir() else [path]
        if not inside:
            raise click.UsageError(f"--script {path}: no file *.yaml or *.yml in this folder.")
        found += inside
    return list(dict.fromkeys(found))


def check(explore: bool, files: Sequence[Path], options: Mapping[str, Any]) -> None:
    """Raise UsageError for options that do not go together."""
    if explore and len(files) > 1:
        raise click.UsageError("--explore takes one script: it gives the surroundings.")
    for name, why in NEED_EXPLORE.items():
        if options[name] and not explore:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --explore: {why}")


NEED_EXPLORE: Mapping[str, str] = {
    "min_coverage": "one simulation alone covers little.",
    "without": "in one simulation only the script's troubles happen.",
    "strict": "in one simulation the script says what is expected.",
}


def played_all(flow: FlowBody, scripts: Mapping[str, Script], options: Mapping[str, Any]) -> int:
    """Run a simulation for each script, show how each ended, and return the exit status."""
    results = {name: run_simulation(flow, script) for name, script in scripts.items()}
    if options["as_json"]:
        write({"ok": all(one.ok for one in results.values()), "scripts": {k: one.wire() for k, one in results.items()}})
    else:
        write(show_all(results))
    return 0 if all(one.ok for one in results.values()) else 1


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
    own = found.mistakes if options["strict"] else []
    if own:
        click.echo(f"\n{len(own)} of the findings are the flow's own", err=True)
    return 1 if own or reached < wanted else 0


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
