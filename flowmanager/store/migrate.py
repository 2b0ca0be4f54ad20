"""Brings a database to the form that this version of the program needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from flowmanager.errors import InvalidSetting, StoreLost
from flowmanager.store.columns import MYSQL
from flowmanager.store.faults import translated
from flowmanager.store.standing import TOO_NEW, standing_on
from flowmanager.store.versions import Standing

SCRIPTS = "flowmanager.store:migrations"
LOCK_NAME = "CONCAT('flowmanager.', LEFT(SHA2(DATABASE(), 256), 40))"
LOCK_SECONDS = 10


def migrate(engine: Engine, *, lock_seconds: int = LOCK_SECONDS) -> Standing:
    """Run all migrations that are not yet in the database; of several callers at once, one does the work.

    Returns how the tables stand now: current, or newer and left as they are. `lock_seconds`: how long to wait for
    another caller. A connection whose `statement_seconds` are few may break in a long change of a large table.
    Raises StoreLost, and InvalidSetting for tables that are too new.
    """
    with translated(), engine.connect() as connection, alone(connection, lock_seconds), connection.begin():
        found = standing_on(connection)
        if found is Standing.FOREIGN:
            raise InvalidSetting(TOO_NEW)
        if found is Standing.NEWER:
            return found
        command.upgrade(configuration(connection), "head")
        return Standing.CURRENT


def configuration(connection: Connection) -> Config:
    """Return what Alembic needs to work on a connection."""
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    return config


@contextmanager
def alone(connection: Connection, seconds: int) -> Iterator[None]:
    """Keep other migrations away. SQLite needs no more than its transaction; MySQL commits each change by itself.

    The lock is given back after the caller's transaction, or the next one would not see that the work is done.
    """
    if connection.dialect.name not in MYSQL:
        yield
        return
    got = connection.execute(text(f"SELECT GET_LOCK({LOCK_NAME}, :seconds)"), {"seconds": seconds}).scalar()
    connection.commit()
    if got != 1:
        raise StoreLost("another process is changing the tables")
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.execute(text(f"SELECT RELEASE_LOCK({LOCK_NAME})"))
            connection.commit()
