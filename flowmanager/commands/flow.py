"""`flowmanager flow`: what can be done with the file of a flow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from flowmanager.console import told, written
from flowmanager.simulation.flow_file import read_flow_file
from flowmanager.trace.mermaid import mermaid_of_flow
from flowmanager.trace.plan import planned
from flowmanager.trace.svg import svg_of_flow

FORMATS = {"mermaid": mermaid_of_flow, "svg": svg_of_flow}


@click.group()
def command() -> None:
    """Work with the file of a flow."""


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
