"""`flowmanager demo`."""

from __future__ import annotations

import logging

import click

from flowmanager.console import told
from flowmanager.demo import run_demo
from flowmanager.logs import set_up_logs


@click.command()
@told
def command() -> None:
    """Show an IVR call from beginning to end, without any server."""
    set_up_logs(level=logging.ERROR)
    run_demo()
