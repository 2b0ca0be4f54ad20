"""Filling the tables with activeflows that have ended."""

from __future__ import annotations

from random import getrandbits
from typing import Any

import click

from bench.limit import connect

PIECE = 20_000
"""Rows of one transaction."""
ID_BITS = 128
RANDOM_BITS = 64
ENDED = "status = 'ended'"


def fill(dsn: str, rows: int) -> None:
    """Copy an ended activeflow so many times, each with a line of history. One must be there."""
    database = connect(dsn)
    with database.cursor() as cursor, click.progressbar(length=rows, label="filling the tables") as bar:
        columns = columns_of(cursor)
        cursor.execute("CREATE TEMPORARY TABLE new_ids (id BINARY(16) PRIMARY KEY)")
        # The names of columns come from the database itself.
        cursor.execute(f"CREATE TEMPORARY TABLE template AS SELECT {columns} FROM activeflows WHERE {ENDED} LIMIT 1")
        for first in range(0, rows, PIECE):
            numbers = range(first, min(first + PIECE, rows))
            cursor.execute("DELETE FROM new_ids")
            cursor.executemany("INSERT INTO new_ids VALUES (%s)", [(id_of(number, rows),) for number in numbers])
            cursor.execute(
                f"INSERT INTO activeflows (id, {columns}) SELECT id, {columns} FROM new_ids CROSS JOIN template"
            )
            cursor.execute(
                "INSERT INTO executed_actions (activeflow_id, seq, action, result, cause, error)"
                " SELECT id, 0, current_action, 'done', 'next', '' FROM new_ids CROSS JOIN template"
            )
            database.commit()
            bar.update(len(numbers))
        cursor.execute("ANALYZE TABLE activeflows, executed_actions")
    database.close()


def id_of(number: int, rows: int) -> bytes:
    """Return an id that lies among the others like a random one, yet follows that of the number before.

    In the order of their keys a million rows take half a minute; in no order they were not written after nine.
    """
    made: int = (number << ID_BITS) // rows + getrandbits(RANDOM_BITS)
    return made.to_bytes(ID_BITS // 8)


def columns_of(cursor: Any) -> str:
    """Return the columns of an activeflow but its id."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = 'activeflows' AND column_name <> 'id'"
    )
    return ", ".join(f"`{row[0]}`" for row in cursor.fetchall())
