"""Jumps that are made in the transaction that accepts them: what was acknowledged is done, whatever dies then."""

from __future__ import annotations

from functools import partial

from flowmanager.core import machine
from flowmanager.core.activeflow import Activeflow, Driver, Turn
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.errors import FlowManagerError, InProgress
from flowmanager.orchestrator import record
from flowmanager.orchestrator.claims import began, left_behind, locked
from flowmanager.orchestrator.engine import Work
from flowmanager.orchestrator.fold import Fold, Progress
from flowmanager.orchestrator.reactions import Reaction
from flowmanager.orchestrator.turn import Turns
from flowmanager.ports import Transaction

CAUSE = "forward_now"


@frozen
class Jumps:
    """Makes jumps."""

    turns: Turns

    def jump(self, work: Work, activeflow_id: Id, target_id: Id) -> Activeflow:
        """Jump, answer, and run the flow to its next pause; return it as it was accepted.

        A flow that only its caller can move on, or that is executing, has the jump pending.
        Raises ActiveflowNotFound, ActiveflowEnded, TargetNotFound; then nothing has changed.
        """
        progress = self.turns.committed(work, activeflow_id, partial(self.begin, work, activeflow_id, target_id))
        self.turns.kept_up(work.reply_now, activeflow_id)
        self.turns.finish(work, progress)
        return progress.flow

    def begin(self, work: Work, activeflow_id: Id, target_id: Id, transaction: Transaction) -> Progress:
        """Set the jump under the row lock, and make it if the flow waits for us."""
        flow = machine.check_running(locked(transaction, activeflow_id))
        if left_behind(work, flow):
            return self.turns.store(work, transaction, self.turns.taken_over(work, transaction, flow))
        if began(work, flow):
            raise InProgress(activeflow_id=flow.id)
        work.answer(transaction)
        flow = machine.jump(flow, target_id)
        turn = Turn(Driver.PUSH, key=work.key, cause=CAUSE)
        standing = Progress(flow=flow, turn=turn, unreported=record.untold(transaction, flow))
        fold = self.turns.fold(transaction)
        moved = told(fold, standing)
        if not moved.steps and not moved.flow.over and moved.flow.state is flow.state:
            return moved.evolve(flow=record.save_silently(transaction, machine.Change(moved.flow)), task=None)
        return self.turns.store(work, transaction, fold.run(moved))


def told(fold: Fold, standing: Progress) -> Progress:
    """Return the turn of a flow that hears of the jump; one that cannot make it now keeps it pending."""
    try:
        return Reaction(fold).apply(standing, Signal(kind=SignalKind.FORWARD, cause=CAUSE)) or standing
    except FlowManagerError:
        return standing
