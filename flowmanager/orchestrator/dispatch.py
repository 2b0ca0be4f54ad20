"""Bringing events to the activeflows they concern."""

from __future__ import annotations

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.signals import Signal
from flowmanager.errors import BrokerLost, FlowManagerError, StoreLost
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.turn import Turns

log = structlog.get_logger()


@frozen
class Dispatch:
    """Applies a signal to one activeflow or to all that run on a reference."""

    engine: Engine
    turns: Turns

    def deliver(self, work: Work, signal: Signal, activeflow_id: Id | None, reference_id: Id | None) -> int:
        """Return how many activeflows the signal changed; none is no error."""
        concerned = [activeflow_id] if activeflow_id else self.running(work, reference_id)
        if not concerned:
            self.engine.metrics.unmatched_events.labels(signal.cause).inc()
        return sum(self.apply(work, one, signal) for one in concerned)

    def running(self, work: Work, reference_id: Id | None) -> list[Id]:
        """Return the activeflows that run on a reference."""
        if reference_id is None:
            return []
        return work.look(lambda transaction: transaction.running_by_reference(reference_id))

    def apply(self, work: Work, activeflow_id: Id, signal: Signal) -> bool:
        """Apply a signal to one activeflow; one that it does not fit is left alone, and the others still hear of it."""
        branch, why = work.branch(activeflow_id), "stale"
        try:
            changed = self.turns.react(branch, activeflow_id, signal)
        except (BrokerLost, StoreLost):
            raise
        except FlowManagerError as error:
            changed, why = False, error.sentence
        work.join(branch)
        if not changed:
            self.engine.metrics.discarded.labels(signal.kind.value).inc()
            log.info(
                "signal_discarded", activeflow_id=activeflow_id, kind=signal.kind.value, cause=signal.cause, why=why
            )
        return changed
