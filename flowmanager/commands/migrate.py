"""`flowmanager migrate`."""

from __future__ import annotations

from dataclasses import replace

import click

from flowmanager.console import apply_migrations, current_settings, embedded_option, told
from flowmanager.serve import check_settings
from flowmanager.store.versions import Standing

DONE = {
    Standing.CURRENT: "the tables are current",
    Standing.NEWER: "the tables are newer than this program, which can work on them: nothing was changed",
}


@click.command()
@embedded_option
@told
def command(embedded: bool) -> None:
    """Bring the database's tables to this version."""
    settings = current_settings(embedded=embedded)
    if not settings.database_dsn:
        check_settings(replace(settings, rabbitmq_address="unused"))
    click.echo(DONE[apply_migrations(settings)])
