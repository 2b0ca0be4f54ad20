"""Whether the tables are kept by InnoDB, as texts that differ by every byte: a copy may have been made otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from flowmanager.check import Finding, Server, check, well, wrong
from flowmanager.patient import Patient
from flowmanager.store.tables import metadata

ENGINE, COLLATION = "InnoDB", "utf8mb4_bin"
QUERY = text(
    "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
)


@check("database-tables", after="migrations", server=Server.MYSQL)
def database_tables(patient: Patient) -> Iterator[Finding]:
    """Look at each of ours."""
    with patient.database() as connection:
        rows = [row for row in connection.execute(QUERY) if row[0] in metadata.tables]
    faults = [finding for row in rows for finding in faults_of(*row)]
    yield from faults or [well(f"{len(rows)} tables, {ENGINE}, {COLLATION}")]


def faults_of(table: str, engine: str, collation: str) -> Iterator[Finding]:
    """Say what is wrong with a table."""
    if engine != ENGINE:
        yield wrong(
            f"the table {table} is kept by {engine}, without transactions", f"ALTER TABLE {table} ENGINE = InnoDB"
        )
    if collation != COLLATION:
        yield wrong(
            f"the table {table} compares texts by {collation}: names that differ would count as the same",
            f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE {COLLATION}",
        )
