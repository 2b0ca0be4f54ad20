"""The database's own time as SQL. Sessions on MySQL have the time zone UTC."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Dialect, literal_column

from flowmanager.core.frozen import frozen
from flowmanager.store.columns import MYSQL, TimeColumn

Moment = ColumnElement[datetime]

MOMENT = "moment"
"""The name of a column that tells the time."""


@frozen
class Moments:
    """How one kind of database says a time; `shift` has a place for seconds from now."""

    exact: str
    """The time when a row has been locked, not when the wait for its lock began."""
    now: str
    """The time when the statement began: an index can be searched by it."""
    shift: str

    def locked(self) -> Moment:
        """Return the time at which a row of the result was read."""
        return expression(self.exact)

    def here(self) -> Moment:
        """Return the time of the statement."""
        return expression(self.now)

    def after(self, seconds: float) -> Moment:
        """Return the time so many seconds from now; negative: ago."""
        return expression(self.shift.format(f"{seconds:.6f}"))


def expression(sql: str) -> Moment:
    """Return a piece of SQL as a time."""
    return literal_column(sql, TimeColumn())


MYSQL_MOMENTS = Moments("SYSDATE(6)", "UTC_TIMESTAMP(6)", "UTC_TIMESTAMP(6) + INTERVAL {} SECOND")
SQLITE_MOMENTS = Moments(
    "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    "strftime('%Y-%m-%d %H:%M:%f000', 'now', '{} seconds')",
)


def moments_of(dialect: Dialect) -> Moments:
    """Return how this kind of database says a time."""
    return MYSQL_MOMENTS if dialect.name in MYSQL else SQLITE_MOMENTS
