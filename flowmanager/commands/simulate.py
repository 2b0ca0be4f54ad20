"""`flowmanager simulate`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from flowmanager.console import told
from flowmanager.simulation.flow_file import read_flow_file
from flowmanager.simulation.result import Result
from flowmanager.simulation.run import run_simulation
from flowmanager.simulation.script import Script
from flowmanager.simulation.script_reader import read_script_file
from flowmanager.simulation.show import show, verdict

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("flow", type=READABLE)
@click.option("--script", type=READABLE, help="What the caller does and what must come of it, in YAML.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--everything", is_flag=True, help="Show requests that only carry out what a line says already, too.")
@told
def command(flow: Path, script: Path | None, as_json: bool, everything: bool) -> None:
    """Try a flow without a phone: the real engine on a virtual clock.

    FLOW is a flow, or its list of actions, in JSON. Without a script the caller listens to all and presses nothing.
    Exit status: 0 as expected, 1 an expectation of the script failed, 2 flow or script cannot be read.
    """
    body = read_flow_file(flow)
    play = read_script_file(script) if script else Script()
    result = run_simulation(body, play)
    click.echo(
        orjson.dumps(result.wire(), option=orjson.OPT_INDENT_2) if as_json else show(result, everything=everything)
    )
    fail(result)


def fail(result: Result) -> None:
    """Say what was not as expected, and end the process so."""
    if not result.ok:
        click.echo(f"\n{verdict(result)}", err=True)
        sys.exit(1)
