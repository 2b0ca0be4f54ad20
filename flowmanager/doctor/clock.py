"""Whether the clocks of this machine and of the database agree: timers go by the database's, logs by the machine's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import DateTime, literal_column, select

from flowmanager.check import Finding, Server, check, doubtful, well
from flowmanager.patient import Patient

APART = 2.0
"""Seconds from which lines of the log and times in the records cannot be put in order any more."""


@check("clock", after="database", server=Server.MYSQL)
def clock(patient: Patient) -> Iterator[Finding]:
    """Compare them, in the middle of the question."""
    with patient.database() as connection:
        connection.exec_driver_sql("SELECT 1")
        before = datetime.now(UTC)
        there = connection.execute(select(literal_column("UTC_TIMESTAMP(6)", DateTime))).scalar_one()
        after = datetime.now(UTC)
    yield judged((there.replace(tzinfo=UTC) - (before + (after - before) / 2)).total_seconds())


def judged(apart: float) -> Finding:
    """Judge a difference in seconds, positive when the database is ahead."""
    if abs(apart) > APART:
        known = f"the database's clock is {abs(apart):.1f} s {'ahead of' if apart > 0 else 'behind'} this machine's"
        return doubtful(known, "let both be set by NTP: chronyc tracking, timedatectl")
    return well(f"the clocks of this machine and of the database are {abs(apart):.1f} s apart")
