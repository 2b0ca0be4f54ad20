"""`flowmanager migrate`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from flowmanager.console import apply_migrations, database_settings, embedded_option, told
from flowmanager.store.versions import Standing
from flowmanager.words import plural

DONE = {
    Standing.CURRENT: "the tables are current",
    Standing.NEWER: "the tables are newer than this program, which can work on them: nothing was changed",
}


@click.command()
@embedded_option
@told
def command(embedded: bool) -> None:
    """Bring the database's tables to this version."""
    click.echo(DONE[apply_migrations(database_settings(embedded=embedded), before=announce)])


def announce(missing: Sequence[str]) -> None:
    """Say what is about to be done with the tables, so that nobody takes it for a standstill."""
    if missing:
        click.echo(
            f"{plural(len(missing), 'migration')} to do, minutes on large tables: {', '.join(missing)}", err=True
        )
