"""`flowmanager flow`: what can be done with files of flows."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import orjson

from flowmanager.bootstrap import make_store
from flowmanager.checker import ActionChecker
from flowmanager.console import database_settings, embedded_option, require_tables, told, written
from flowmanager.core.flow import Flow
from flowmanager.executors import public_executors
from flowmanager.random_ids import RandomIds
from flowmanager.settings import Settings
from flowmanager.simulation.flow_file import read_flow_file
from flowmanager.taken_over_flows import Taken, read_flows, store_flow
from flowmanager.trace.mermaid import mermaid_of_flow
from flowmanager.trace.plan import planned
from flowmanager.trace.svg import svg_of_flow
from flowmanager.words import plural

FORMATS = {"mermaid": mermaid_of_flow, "svg": svg_of_flow}


@click.group()
def command() -> None:
    """Work with files of flows."""


@command.command()
@click.argument("path", metavar="FLOW.json", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: what --out ends with, else mermaid.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write into this file.")
@told
def draw(path: Path, form: str | None, out: Path | None) -> None:
    """Draw a flow as a graph: its actions and what may follow what. No service is asked."""
    body: Mapping[str, Any] = read_flow_file(path)
    chosen = form or ("svg" if out and out.suffix == ".svg" else "mermaid")
    written(FORMATS[chosen](planned(body["actions"]), str(body.get("name") or path.stem)), out)


@command.command("import", short_help="Store flows of another installation under their ids.")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FLOWS.json…",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--dry-run", is_flag=True, help="Only say what is wrong, and how many would be stored.")
@click.option("--skip-refused", is_flag=True, help="Store the others when some are refused.")
@embedded_option
@told
def import_flows(files: Sequence[Path], dry_run: bool, skip_refused: bool, embedded: bool) -> None:
    """Store flows of another installation under their own ids, straight into the database.

    A file holds a flow as GET /v1/flows/<id> shows it, or a list as GET /v1/flows does. Each is checked as a request
    is; when one is refused none is stored. One whose id is there stays as it is, so it may be stopped at any time and
    run again. Deleted ones are left out. Nobody is told of them by an event, and no direct hash is asked for.

    Exit status: 0 all fine, 1 some were refused, 2 a file cannot be read, or the database cannot be reached.
    """
    settings = database_settings(embedded=embedded)
    require_tables(settings)
    taken = [one for path in files for one in flows_in(path, settings)]
    refused = [one for one in taken if one.faults]
    for one in refused:
        click.echo(f"{one.place}: {'; '.join(one.faults)}", err=True)
    flows = [one.flow for one in taken if one.flow]
    if dry_run:
        click.echo(f"{plural(len(flows), 'flow')} could be stored, {len(refused)} refused")
    elif refused and not skip_refused:
        click.echo(f"nothing was stored: {len(refused)} of {plural(len(taken), 'flow')} refused; see --skip-refused")
    else:
        store_all(flows, settings)
    sys.exit(1 if refused else 0)


def flows_in(path: Path, settings: Settings) -> list[Taken]:
    """Return the flows of a file. Raises UsageError when it is not JSON."""
    checker = ActionChecker(public_executors(), RandomIds(), settings.limits.actions)
    try:
        return list(read_flows(orjson.loads(path.read_bytes()), str(path), checker))
    except orjson.JSONDecodeError as error:
        raise click.UsageError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error


def store_all(flows: Sequence[Flow], settings: Settings) -> None:
    """Store flows, and say how many that were, also when it is interrupted."""
    stored, known = 0, 0
    with closing(make_store(settings)) as store:
        hidden = not sys.stderr.isatty()
        try:
            with click.progressbar(flows, file=sys.stderr, label="storing", hidden=hidden) as bar:
                for flow in bar:
                    new = store_flow(store, flow)
                    stored, known = stored + new, known + (not new)
        finally:
            there = f", {known} were there already" if known else ""
            click.echo(f"{plural(stored, 'flow')} stored{there}")
