"""Whether events wait to be published."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from flowmanager.check import Finding, check, doubtful, well, wrong
from flowmanager.patient import Patient
from flowmanager.store.moments import moments_of
from flowmanager.store.tables import outbox as table

PATIENCE_SECONDS = 10.0
"""So much later than they may, workers have published a row for sure."""
MANY = 1000


@check("outbox", after="migrations")
def outbox(patient: Patient) -> Iterator[Finding]:
    """Count the rows that are late."""
    with patient.database() as connection:
        moments = moments_of(connection.dialect)
        late = table.c.tm_create <= moments.after(-patient.settings.outbox_seconds - PATIENCE_SECONDS)
        query = select(func.count(), func.min(table.c.tm_create), moments.here()).where(late).select_from(table)
        count, oldest, now = connection.execute(query).one()
    if not count:
        yield well("no event waits to be published")
        return
    found = f"{count} events wait to be published, the oldest for {(now - oldest).total_seconds():.0f} s"
    advice = "workers publish them when the broker takes them: look for sweeper_waits and broker_unavailable in the log"
    yield (wrong if count > MANY else doubtful)(found, advice)
