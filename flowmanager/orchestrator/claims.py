"""Whose a turn is: locking a record, and telling late, repeated and lost work from what is due."""

from __future__ import annotations

from datetime import datetime

from flowmanager.core.activeflow import Activeflow, State
from flowmanager.core.ids import Id
from flowmanager.errors import ActiveflowNotFound, Answered, FlowManagerError
from flowmanager.orchestrator.engine import Work
from flowmanager.orchestrator.fold import Progress
from flowmanager.ports import Transaction


class Superseded(FlowManagerError):
    """The turn was stopped or taken over while its executor ran; its result is dropped."""

    def __init__(self, flow: Activeflow | None) -> None:
        self.by_another = flow is not None and not flow.over
        """Another worker goes on with the turn and gives its answer."""
        super().__init__()


def locked(transaction: Transaction, activeflow_id: Id) -> Activeflow:
    """Lock an activeflow. Raises ActiveflowNotFound."""
    flow = transaction.lock_activeflow(activeflow_id)
    if flow is None:
        raise ActiveflowNotFound(activeflow_id=activeflow_id)
    return flow


def due(flow: Activeflow, now: datetime) -> bool:
    """Say whether the deadline of a wait has passed."""
    return flow.wait is not None and flow.wait.until is not None and flow.wait.until <= now


def starts_child(flow: Activeflow) -> bool:
    """Say whether this is the start of an on-complete child, by whomever."""
    return flow.after_reference and flow.state is State.CREATED


def check_new(work: Work, transaction: Transaction) -> None:
    """Raise Answered for the repeat of a request that was answered.

    The current action does not tell: a flow that loops comes back to the same action. Where the answer is stored at
    once the database refuses a second one; a turn that asks peers first has to look.
    """
    if work.key and transaction.get_answer(work.key) is not None:
        raise Answered(key=work.key)


def left_behind(work: Work, flow: Activeflow) -> bool:
    """Say whether the broker delivers the message again that began the turn under way: its first worker is lost."""
    return work.redelivered and began(work, flow)


def began(work: Work, flow: Activeflow) -> bool:
    """Say whether this very request began the turn that is under way."""
    same = flow.turn is not None and bool(work.key) and flow.turn.key == work.key
    return same and flow.state is State.EXECUTING


def mine(progress: Progress, transaction: Transaction) -> Activeflow:
    """Lock the activeflow of a turn. Raises Superseded when it was stopped or taken over."""
    flow = transaction.lock_activeflow(progress.flow.id)
    if flow is None or flow.state is not State.EXECUTING or flow.fence != progress.flow.fence:
        raise Superseded(flow)
    return flow
