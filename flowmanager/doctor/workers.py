"""Whether worker processes live: each leaves a heartbeat in the database."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.check import Finding, check, doubtful, well
from flowmanager.patient import Patient


@check("workers", after="migrations")
def workers(patient: Patient) -> Iterator[Finding]:
    """Count those whose heartbeat is fresh."""
    count = patient.living_workers()
    if count:
        yield well(f"{count} worker processes live")
    else:
        yield doubtful("no worker process lives", "start `flowmanager serve`; if some run, look at their log")
