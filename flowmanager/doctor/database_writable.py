"""Whether the database takes changes: a replica, or a primary that was switched off for an update, does not."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.check import Finding, Server, check, well, wrong
from flowmanager.patient import Patient

SWITCHES = ("super_read_only", "read_only", "innodb_read_only", "transaction_read_only", "tx_read_only")


@check("database-writable", after="database", server=Server.MYSQL)
def database_writable(patient: Patient) -> Iterator[Finding]:
    """Look at what forbids it."""
    found = patient.variables(*SWITCHES)
    forbidding = [name for name in SWITCHES if found.get(name, "OFF") not in ("OFF", "NO", "0")]
    if forbidding:
        yield wrong(
            f"the server is read-only: {', '.join(forbidding)}",
            "DATABASE_DSN must name the primary; if this is it: SET GLOBAL read_only = OFF",
        )
    else:
        yield well("the server takes changes")
