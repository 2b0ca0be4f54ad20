"""How the tables of a database stand to this program, told without Alembic.

Every worker asks at its start, and importing Alembic would cost it 10 MB of memory and a fifth of its first second.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection

from sqlalchemy import Connection, Engine, inspect, text

from flowmanager.store.faults import translated
from flowmanager.store.migrations import versions
from flowmanager.store.versions import REVISION, Standing, standing_of

VERSION_TABLE = "alembic_version"
VERSIONS = text("SELECT version_num FROM alembic_version")
TOO_NEW = "the database's tables are of a newer version, on which this program cannot work: install the newer program"


def standing(engine: Engine) -> Standing:
    """Say how the tables stand to this program. Raises StoreLost."""
    with translated(), engine.connect() as connection:
        return standing_on(connection)


def standing_on(connection: Connection) -> Standing:
    """Say how the tables of a connection stand to this program."""
    return standing_of(migrations_in(connection), migrations_known())


def migrations_in(connection: Connection) -> Collection[str]:
    """Return the migrations that the database names; none: it has no tables of ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ()
    return connection.execute(VERSIONS).scalars().all()


def migrations_known() -> Collection[str]:
    """Return the migrations of this program. The name of a file begins with them: 0002_from_0001 in ..._details."""
    names = (one.name for one in pkgutil.iter_modules(versions.__path__))
    return [found[0] for name in names if (found := REVISION.match(name))]
