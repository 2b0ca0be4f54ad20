"""Whether waits have passed their deadline without anybody ending them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from flowmanager.check import Finding, check, doubtful, well
from flowmanager.patient import Patient
from flowmanager.store.moments import moments_of
from flowmanager.store.statements import TIMED
from flowmanager.store.tables import activeflows

LATE_SECONDS = 10.0


@check("timers", after="migrations")
def timers(patient: Patient) -> Iterator[Finding]:
    """Count them."""
    with patient.database() as connection:
        late = activeflows.c.wait_until <= moments_of(connection.dialect).after(-LATE_SECONDS)
        query = select(func.count()).select_from(activeflows).where(late, activeflows.c.state.in_(TIMED))
        count = connection.execute(query).scalar_one()
    if count:
        yield doubtful(
            f"{count} waits passed their deadline more than {LATE_SECONDS:g} s ago",
            "workers end them: does one live? Look for sweeper_waits and activeflow_not_recovered in its log",
        )
    else:
        yield well("no wait is over its deadline")
