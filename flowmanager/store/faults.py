"""What the driver's errors mean: try again, the database is lost, the data do not fit, or a mistake of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from flowmanager.errors import Contention, FlowManagerError, InvalidRequest, StoreLost

CONTENDED = frozenset({1205, 1206, 1213, 1637, 3101})
"""Lock wait ran out, no room for locks, deadlock, too many transactions, refused by the other servers of a group."""
LOST = frozenset(
    {
        *(1040, 1129, 1203, 1226),  # no connection is left for us, or the host is blocked
        *(1044, 1045, 1049, 1130, 1698),  # refused at the door: an operator may be changing password or schema
        *(3, 1021, 1026, 1030, 1037, 1041, 1114, 1180),  # no space on its disks or in its memory, a disk that fails
        *(1053, 1077, 1079, 1317, 1927, 1969, 3024, 3169),  # shut down, killed, interrupted
        *(1047, 1290, 1792, 1836, 3100),  # read-only or not part of its cluster: the primary has moved elsewhere
        *(1152, 1158, 1159, 1160, 1161),  # packets broken off
        *(2002, 2003, 2005, 2006, 2012, 2013, 2014, 2026, 2045, 2055, 4031),  # no connection, or it broke
    }
)
MISFIT = frozenset({1153, 1264, 1366, 1406, 3140, 3141, 3150, 3151, 3157, 4025})
"""Too long, out of range, or JSON that this database cannot hold: nested over 100 deep on MySQL, 32 on MariaDB."""
DUPLICATE = 1062
LOCKED_FILE = ("database is locked", "database table is locked", "database schema is locked")
LOST_FILE = ("unable to open", "disk i/o", "readonly", "is full", "malformed", "not a database", "closed database")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver raises into Contention, StoreLost or InvalidRequest; anything else passes as it is."""
    try:
        yield
    except SQLAlchemyError as error:
        meaning = meaning_of(error)
        if meaning is None:
            raise
        raise meaning from error


def meaning_of(error: SQLAlchemyError) -> FlowManagerError | None:
    """Return what an error of the driver means; None: it is nothing that can be expected."""
    if isinstance(error, PoolTimeout):
        return StoreLost("no connection to the database became free in time")
    if not isinstance(error, DBAPIError):
        return None
    code = code_of(error)
    if code in CONTENDED or told(error, LOCKED_FILE):
        return Contention(code=code)
    if code in MISFIT:
        return InvalidRequest("the database cannot hold the data", code=code)
    if is_lost(error):
        return StoreLost(code=code, why=words_of(error))
    return None


def is_lost(error: DBAPIError) -> bool:
    """Say whether the connection, or the server behind it, cannot be used any more."""
    return error.connection_invalidated or code_of(error) in LOST or told(error, LOST_FILE)


def is_duplicate(error: IntegrityError) -> bool:
    """Say whether a row with that key exists."""
    return code_of(error) == DUPLICATE or told(error, ("unique constraint failed",))


def code_of(error: DBAPIError) -> int:
    """Return MySQL's number of an error, 0 when it has none."""
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def words_of(error: DBAPIError) -> str:
    """Return what server or driver say: why nobody can connect, that a certificate is wrong, that all is read-only.

    It has neither a password nor a statement.
    """
    arguments = getattr(error.orig, "args", ())
    return str(arguments[-1]) if arguments else ""


def told(error: DBAPIError, phrases: tuple[str, ...]) -> bool:
    """Say whether SQLite's message has one of the phrases: it gives no numbers."""
    if code_of(error):
        return False
    message = str(error.orig).lower()
    return any(phrase in message for phrase in phrases)
