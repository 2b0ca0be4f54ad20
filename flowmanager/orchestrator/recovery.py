"""What the sweeper does: due timers, turns whose worker is lost, left-over messages, and tidying up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.machine import Command
from flowmanager.errors import ActiveflowEnded, ActiveflowNotFound, BrokerLost, InProgress, StaleAction, StoreLost
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.turn import Resume, Turns
from flowmanager.ports import Upkeep

log = structlog.get_logger()

BATCH = 100
"""Rows of one round: a round must be short, and another worker may take the rest."""


@frozen
class Recovery:
    """One round of each duty; every worker process runs them, and the row lock decides who acts."""

    engine: Engine
    upkeep: Upkeep
    turns: Turns
    orphan_seconds: float

    def fire_timers(self, new_work: Callable[[], Work], handled: Callable[[Work], None]) -> int:
        """Resume every activeflow whose deadline has passed."""
        due = self.upkeep.due(limit=BATCH)
        for activeflow_id in due:
            self.attempt(activeflow_id, new_work, handled, self.fire)
        return len(due)

    def fire(self, work: Work, activeflow_id: Id) -> None:
        """Resume one activeflow by its timer."""
        self.turns.resume(work, Resume(activeflow_id=activeflow_id, command=Command.TIMER, cause="timer"))

    def take_over(self, new_work: Callable[[], Work], handled: Callable[[Work], None]) -> int:
        """Go on with turns whose worker died or gave them up."""
        while (given_up := self.engine.abandoned.pop()) is not None:
            self.attempt(given_up, new_work, handled, partial(self.turns.take_over, owner=self.engine.worker_id))
        lost = self.upkeep.orphans(seconds=self.orphan_seconds, limit=BATCH)
        for activeflow_id, owner in lost:
            self.attempt(activeflow_id, new_work, handled, partial(self.turns.take_over, owner=owner))
        return len(lost)

    def attempt(
        self,
        activeflow_id: Id,
        new_work: Callable[[], Work],
        handled: Callable[[Work], None],
        act: Callable[[Work, Id], None],
    ) -> None:
        """Act on one activeflow. One that another worker took meanwhile is left alone; our own losses end the round.

        A fault of one record must not keep the others waiting.
        """
        work = new_work()
        try:
            act(work, activeflow_id)
            handled(work)
        except (StaleAction, ActiveflowEnded, ActiveflowNotFound, InProgress):
            return
        except (BrokerLost, StoreLost):
            raise
        except Exception:
            log.exception("activeflow_not_recovered", activeflow_id=activeflow_id)
