"""Whether the tables are of a version on which this program works."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.check import Finding, check, doubtful, well, wrong
from flowmanager.patient import Patient
from flowmanager.store.standing import standing
from flowmanager.store.versions import Standing

FINDINGS = {
    Standing.CURRENT: well("the tables are of this version"),
    Standing.NEWER: doubtful(
        "the tables are newer than this program, which can work on them",
        "well during an update: install the newer version",
    ),
    Standing.OLDER: wrong(
        "the tables are missing, or older than this program: workers of this version do not start",
        "run `flowmanager migrate`, as a user who may CREATE, ALTER, INDEX and DROP",
    ),
    Standing.FOREIGN: wrong(
        "the tables are newer than this program, which cannot work on them", "install the newer version"
    ),
}


@check("migrations", after="database")
def migrations(patient: Patient) -> Iterator[Finding]:
    """Compare them with the program's own."""
    engine = patient.engine()
    try:
        yield FINDINGS[standing(engine)]
    finally:
        engine.dispose()
