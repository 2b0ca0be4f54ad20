"""Whether turns stand still because nobody took them over from a lost worker."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.check import Finding, check, doubtful, well, wrong
from flowmanager.patient import Patient
from flowmanager.store.engine import Engines
from flowmanager.store.sql_store import SqlStore

PATIENCE_SECONDS = 10.0
"""So much later than they may, workers have taken a turn over for sure."""
MOST = 1000


@check("orphans", after="migrations")
def orphans(patient: Patient) -> Iterator[Finding]:
    """Look for activeflows that are executing while their owner gives no heartbeat."""
    silence = patient.settings.orphan_seconds + PATIENCE_SECONDS
    engine = patient.engine()
    try:
        found = SqlStore(Engines(engine, engine)).orphans(seconds=silence, limit=MOST)
    finally:
        engine.dispose()
    if not found:
        yield well("every turn that is under way has a living owner")
        return
    number = f"{len(found)} or more" if len(found) == MOST else str(len(found))
    known = f"{number} activeflows are executing and their worker is lost, such as {found[0][0]}"
    if patient.living_workers():
        yield wrong(
            known, "workers live but do not take them over: look for sweeper_waits and sweeper_failed in the log"
        )
    else:
        yield doubtful(known, "the first worker that starts goes on with them: start `flowmanager serve`")
