"""`flowmanager migrate`."""

from __future__ import annotations

import click

from flowmanager.console import apply_migrations, database_settings, embedded_option, told
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
    click.echo(DONE[apply_migrations(database_settings(embedded=embedded))])
