"""Deleting what ended long ago: activeflows with their history, in transactions that are short and wait for nobody.

Several workers may do it at once: rows that another one has locked are passed over, so there is nothing to wait for.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.ports import STEPS_FOR_EACH, Purged
from flowmanager.store.moments import Moments
from flowmanager.store.records import RUNNING
from flowmanager.store.statements import by_index, deletion
from flowmanager.store.tables import activeflows, executed_actions, outbox

starter, started = activeflows.alias("starter"), activeflows.alias("started")


@frozen
class Retention:
    """Finds and deletes activeflows that ended so many seconds ago."""

    moments: Moments
    seconds: float

    def over(self) -> ColumnElement[bool]:
        """Return the condition for those that ended long enough ago, and that neither outbox nor starter needs."""
        return and_(
            activeflows.c.tm_end <= self.moments.after(-self.seconds),
            ~unpublished().exists(),
            ~running_starter().exists(),
        )

    def count(self) -> Select[int, int]:
        """Return the query for how many may go, and how long their histories are together.

        What they started counts as gone when it is old enough; of a chain whose end still runs the beginning may be
        counted too.
        """
        young = or_(started.c.tm_end.is_(None), started.c.tm_end > self.moments.after(-self.seconds))
        steps = func.coalesce(func.sum(activeflows.c.executed_count), 0).label("steps")
        found = select(func.count().label("number"), steps).select_from(activeflows)
        return found.where(self.over(), ~later_started().where(young).exists())

    def candidates(self, limit: int) -> Select[Id]:
        """Return the query that finds and locks those that ended first."""
        oldest = select(activeflows.c.id).where(self.over(), ~later_started().exists())
        oldest = by_index(oldest, activeflows, "activeflows_end")
        return oldest.order_by(activeflows.c.tm_end).limit(limit).with_for_update(skip_locked=True)

    def purge(self, connection: Connection, limit: int) -> Purged:
        """Delete up to `limit` activeflows with their histories, or a part of one long history."""
        ids = sorted(connection.execute(self.candidates(limit)).scalars())
        if not ids:
            return Purged()
        most = limit * STEPS_FOR_EACH
        steps = connection.execute(first_steps(ids, most)).all()
        # What is cut off by the limit is not in `steps`: the last of them may belong to a history that goes on.
        last = steps[-1].activeflow_id if len(steps) == most else None
        whole = [key for key in ids if last is None or key < last]
        if whole:
            connection.execute(deletion(executed_actions).where(executed_actions.c.activeflow_id.in_(whole)))
            connection.execute(deletion(activeflows).where(activeflows.c.id.in_(whole)))
        if last is not None:
            connection.execute(deletion(executed_actions).where(beginning_of(last, steps[-1].seq)))
        return Purged(activeflows=len(whole), steps=len(steps))


def unpublished() -> Select[int]:
    """Return the query for messages about this one that still wait in the outbox."""
    return select(outbox.c.seq).where(outbox.c.activeflow_id == activeflows.c.id)


def running_starter() -> Select[Id]:
    """Return the query for the activeflow that started this one, when that runs."""
    return select(starter.c.id).where(
        starter.c.id == activeflows.c.reference_activeflow_id, starter.c.status == RUNNING
    )


def later_started() -> Select[Id]:
    """Return the query for activeflows that this one started: they go first, so a chain stays while its end runs.

    Callers may name any activeflow as the starter, also in a circle: only later ones count, or a circle would stay.
    """
    later = or_(
        started.c.tm_create > activeflows.c.tm_create,
        and_(started.c.tm_create == activeflows.c.tm_create, started.c.id > activeflows.c.id),
    )
    return select(started.c.id).where(started.c.reference_activeflow_id == activeflows.c.id, later)


def first_steps(ids: Sequence[Id], limit: int) -> Select[Id, int]:
    """Return the query for the first lines of these histories, one history after the other."""
    table = executed_actions
    lines = select(table.c.activeflow_id, table.c.seq).where(table.c.activeflow_id.in_(ids))
    return lines.order_by(table.c.activeflow_id, table.c.seq).limit(limit)


def beginning_of(activeflow_id: Id, last: int) -> ColumnElement[bool]:
    """Return the condition for a history up to a line."""
    return and_(executed_actions.c.activeflow_id == activeflow_id, executed_actions.c.seq <= last)
