"""`flowmanager purge`."""

from __future__ import annotations

import sys
from contextlib import closing

import click

from flowmanager.bootstrap import make_store
from flowmanager.console import Age, database_settings, embedded_option, require_tables, told
from flowmanager.ports import Purged
from flowmanager.store.sql_store import SqlStore
from flowmanager.words import plural

EXPIRED_BATCH = 500
STATEMENT_SECONDS = 600.0
"""Counting what may be millions of rows takes longer than anything a worker does."""


@click.command(short_help="Delete what ended long ago.")
@click.option(
    "--older-than",
    "seconds",
    type=Age(least=1),
    metavar="AGE",
    help="Delete what ended so long ago: 30d, 12h, 45m, 10s. Else FLOWMANAGER_RETENTION_SECONDS counts.",
)
@click.option("--dry-run", is_flag=True, help="Only say how much would be deleted.")
@click.option(
    "--batch",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="Activeflows of one transaction: fewer hold the workers up less.",
)
@embedded_option
@told
def command(seconds: float | None, dry_run: bool, batch: int, embedded: bool) -> None:
    """Delete ended activeflows with their history, expired answers and temporary flows, now.

    Workers may run meanwhile. It may be stopped at any time and run again: what is deleted is deleted.
    """
    settings = database_settings(embedded=embedded)
    require_tables(settings)
    seconds = seconds or settings.retention_seconds
    with closing(make_store(settings, statement_seconds=STATEMENT_SECONDS)) as store:
        found = store.count_ended(seconds=seconds) if seconds else Purged()
        if dry_run:
            click.echo(f"would delete {amount(found)}; expired answers and temporary flows come on top")
        else:
            purge(store, seconds, batch, found)
    if not seconds:
        click.echo("no ended activeflows: give --older-than, or set FLOWMANAGER_RETENTION_SECONDS", err=True)


def purge(store: SqlStore, seconds: float, batch: int, found: Purged) -> None:
    """Delete everything there is to delete, and say how much that was, also when it is interrupted."""
    deleted, expired = Purged(), 0
    try:
        with click.progressbar(length=found.rows, file=sys.stderr, label="deleting", hidden=not shown(found)) as bar:
            while seconds and (done := store.purge_ended(seconds=seconds, limit=batch)).rows:
                deleted += done
                bar.update(done.rows)
        while done_now := store.purge(limit=EXPIRED_BATCH):
            expired += done_now
    finally:
        click.echo(f"deleted {amount(deleted)}, and {expired} expired answers, temporary flows and lost workers")


def shown(found: Purged) -> bool:
    """Say whether somebody looks at the progress, and there will be some."""
    return sys.stderr.isatty() and found.rows > 0


def amount(purged: Purged) -> str:
    """Return an amount in words."""
    return f"{plural(purged.activeflows, 'ended activeflow')} with {plural(purged.steps, 'action')} of history"
