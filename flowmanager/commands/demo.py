"""`flowmanager demo`."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from flowmanager.console import told
from flowmanager.demo import run_demo
from flowmanager.logs import set_up_logs


@click.command()
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep traces in this folder, to be shown by: flowmanager trace --from FILE.",
)
@told
def command(save: Path | None) -> None:
    """Show an IVR call from beginning to end, without any server."""
    set_up_logs(level=logging.ERROR)
    run_demo(save)
