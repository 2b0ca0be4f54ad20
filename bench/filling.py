"""Filling the tables with activeflows that have ended."""

from __future__ import annotations

from typing import Any

import click

from bench.limit import connect

PIECE = 50_000
"""Rows of one transaction."""
ENDED = "status = 'ended'"


def fill(dsn: str, rows: int) -> None:
    """Copy ended activeflows, each with a line of history, until there are so many. One must be there."""
    database = connect(dsn)
    with database.cursor() as cursor, click.progressbar(length=rows, label="filling the tables") as bar:
        columns = columns_of(cursor)
        done = 0
        while done < rows:
            number = min(PIECE, rows - done, max(done, 1))
            # The names of columns come from the database itself.
            cursor.execute(
                f"INSERT INTO activeflows (id, {columns}) SELECT UNHEX(MD5(CONCAT(RAND(), UUID()))), {columns}"
                f" FROM activeflows WHERE {ENDED} LIMIT %s",
                (number,),
            )
            database.commit()
            done += number
            bar.update(number)
        cursor.execute(
            "INSERT IGNORE INTO executed_actions (activeflow_id, seq, action, result, cause, error)"
            f" SELECT id, 0, current_action, 'done', 'next', '' FROM activeflows WHERE {ENDED}"
        )
        database.commit()
        cursor.execute("ANALYZE TABLE activeflows, executed_actions")
    database.close()


def columns_of(cursor: Any) -> str:
    """Return the columns of an activeflow but its id."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = 'activeflows' AND column_name <> 'id'"
    )
    return ", ".join(f"`{row[0]}`" for row in cursor.fetchall())
