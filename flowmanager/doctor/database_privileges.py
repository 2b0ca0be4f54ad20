"""Whether the user may read and change every table.

`EXPLAIN` needs the same privileges as the statement that it explains, and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from flowmanager.check import Finding, Server, check, well, wrong
from flowmanager.patient import Patient
from flowmanager.store.faults import code_of
from flowmanager.store.tables import metadata

DENIED = (1142, 1143)
STATEMENTS: Mapping[str, str] = {
    "SELECT": "EXPLAIN SELECT 1 FROM {0}",
    "INSERT": "EXPLAIN INSERT INTO {0} SELECT * FROM {0} WHERE FALSE",
    "UPDATE": "EXPLAIN UPDATE {0} SET {1} = {1} WHERE FALSE",
    "DELETE": "EXPLAIN DELETE FROM {0} WHERE FALSE",
}


@check("database-privileges", after="migrations", server=Server.MYSQL)
def database_privileges(patient: Patient) -> Iterator[Finding]:
    """Have everything explained."""
    with patient.database() as connection:
        missing = [f"{right} on {table}" for table in metadata.tables for right in lacking(connection, table)]
    if missing:
        yield wrong(
            f"the user may not {', '.join(missing)}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {patient.database_url.database}.* TO the user",
        )
    else:
        yield well("the user may read and change every table")


def lacking(connection: Connection, table: str) -> Iterator[str]:
    """Yield the privileges that the user has not on a table."""
    column = next(iter(metadata.tables[table].primary_key)).name
    for right, statement in STATEMENTS.items():
        try:
            connection.exec_driver_sql(statement.format(table, column)).close()
        except DBAPIError as error:
            if code_of(error) not in DENIED:
                raise
            yield right
