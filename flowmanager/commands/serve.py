"""`flowmanager serve`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from flowmanager.console import apply_migrations, current_settings, embedded_option, told
from flowmanager.embedded import embedded_folder
from flowmanager.serve import PROCESS_NUMBER, check_settings, serve_many, serve_one


@click.command(short_help="Serve requests and events until SIGTERM.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--threads", type=click.IntRange(1, 256), help="Requests handled at the same time by each process.")
@embedded_option
@told
def command(processes: int, threads: int | None, embedded: bool) -> None:
    """Serve requests and events until SIGTERM; then finish what is in hand."""
    settings = current_settings(embedded=embedded)
    if threads:
        settings = replace(settings, threads=threads)
    check_settings(settings)
    if embedded and PROCESS_NUMBER not in os.environ:
        apply_migrations(settings)
        click.echo(f"serving on {embedded_folder()}; speak to it with: flowmanager rpc GET '/v1/flows?page_size=10'")
    if processes == 1:
        sys.exit(serve_one(settings))
    arguments = ["serve", *(["--threads", str(threads)] if threads else []), *(["--embedded"] if embedded else [])]
    sys.exit(serve_many(arguments, processes, settings))
