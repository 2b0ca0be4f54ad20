"""When the faults are over everything that can move must do so soon (I10): what stands still is written down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Row, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.faults.clock import NOW
from tests.faults.history import History

MOVES_WITHIN = 10.0
SLACK = 0.5
"""What is looked at now may have begun to stand still after the look before."""
POLL_SECONDS = 0.5
RUNNABLE = (
    "SELECT id, state, fence, executed_count, wait_until, owner FROM activeflows"
    f" WHERE state = 'executing' OR (state IN ('waiting', 'created') AND wait_until <= {NOW})"
)


@dataclass(frozen=True)
class Standing:
    """An activeflow that could move, as it is."""

    activeflow_id: str
    state: str
    fence: int
    steps: int
    until: str
    owner: str

    @property
    def unowned(self) -> bool:
        """Say whether it executes and nobody executes it."""
        return self.state == "executing" and not self.owner


@dataclass
class Watch:
    """Since when each activeflow that could move has been as it is."""

    since: dict[Standing, float] = field(default_factory=dict)
    told: set[Standing] = field(default_factory=set)

    def look(self, found: Iterable[Standing], now: float) -> list[Standing]:
        """Return what has newly been standing still for too long, or is executed by nobody."""
        self.since = {one: self.since.get(one, now) for one in found}
        late = [one for one, began in self.since.items() if one.unowned or now - began > MOVES_WITHIN + SLACK]
        new = [one for one in late if one not in self.told]
        self.told.update(new)
        return new


class Standstill(Thread):
    """Looks at the database for the length of a block."""

    def __init__(self, dsn: str, history: History) -> None:
        super().__init__(name="standstill", daemon=True)
        self.dsn, self.history = dsn, history
        self.watch = Watch()
        self.stopping = Event()

    def __enter__(self) -> Standstill:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self.join()

    def run(self) -> None:
        """Look again and again."""
        engine = create_engine(self.dsn)
        while not self.stopping.wait(POLL_SECONDS):
            for one in self.watch.look(self.found(engine), monotonic()):
                self.history.add("standstill", **asdict(one))
        engine.dispose()

    def found(self, engine: Engine) -> list[Standing]:
        """Return the activeflows that could move."""
        try:
            with engine.connect() as connection:
                return [standing(row) for row in connection.execute(text(RUNNABLE))]
        except DBAPIError:
            return []


def standing(row: Row[Any]) -> Standing:
    """Read a row."""
    until, owner = row.wait_until, row.owner
    return Standing(
        str(UUID(bytes=row.id)),
        row.state,
        row.fence,
        row.executed_count,
        until.isoformat() if until else "",
        str(UUID(bytes=owner)) if owner else "",
    )
