"""The stack of activeflows on one reference: a new one comes on top, the others are suspended or dropped."""

from __future__ import annotations

from typing import Any

from flowmanager.core import machine
from flowmanager.core.activeflow import Activeflow, EndedReason, State
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.core.machine import Change, Moment
from flowmanager.core.suspension import cover
from flowmanager.orchestrator import record
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.succession import stack, stacked
from flowmanager.ports import Page, Transaction
from flowmanager.schemas.wire import Wire

MOST_SHOWN = 1000


@frozen
class FlowStack:
    """Keeps the stacks."""

    engine: Engine

    def enter(self, work: Work, flow: Activeflow, transaction: Transaction) -> None:
        """Put a new activeflow on top of its stack.

        An older version of the same flow is dropped, and so are the lowest when there are too many; the rest waits.
        """
        if not stacked(self.engine, flow):
            return
        others = stack(transaction, self.engine, flow)
        versions = [one for one in others if one.flow_id == flow.flow_id != NIL]
        rest = [one for one in others if one not in versions]
        kept = rest[: self.engine.max_active_flows - 1] if self.engine.max_active_flows else rest
        for one in [*versions, *rest[len(kept) :]]:
            self.drop(work, one, transaction)
        for one in kept:
            self.suspend(work, one, transaction)

    def drop(self, work: Work, flow: Activeflow, transaction: Transaction) -> None:
        """End an activeflow that has no place on the stack any more: its on-drop flow is started."""
        moment = Moment(transaction.now(), EndedReason.DROPPED.value)
        change = machine.end(flow, EndedReason.DROPPED, moment)
        # As if it lay below: the one that takes its place is on top already.
        raised = change.flow.evolve(fence=flow.fence + 1, turn=None, covered=True)
        unreported = record.untold(transaction, flow)
        dropped = record.save(transaction, work, Change(raised, change.steps), unreported=unreported)
        record.tell(transaction, work, "activeflow_dropped", dropped, ())

    def suspend(self, work: Work, flow: Activeflow, transaction: Transaction) -> None:
        """Put an activeflow below the new one. One that executes says so itself when its action is done."""
        if flow.covered:
            return
        covered = record.save_silently(transaction, Change(cover(flow, transaction.now())))
        if covered.state is State.SUSPENDED:
            record.tell(transaction, work, "activeflow_suspended", covered, ())

    def show(self, work: Work, reference_type: str, reference_id: Id) -> Wire:
        """Show a reference's stack, the top first."""
        filters = {"reference_type": reference_type, "reference_id": reference_id, "status": "running"}

        def read(transaction: Transaction) -> Wire:
            found = transaction.list_activeflows(Page(size=MOST_SHOWN, filters=filters))
            stacked_ones = [one for one in found if stacked(self.engine, one)]
            lines = [line(one, position) for position, one in enumerate(stacked_ones)]
            return {"reference_type": reference_type, "reference_id": reference_id, "activeflows": lines}

        return work.look(read)


def line(flow: Activeflow, position: int) -> dict[str, Any]:
    """Return one place of a stack; position 0 is the top."""
    return {
        "position": position,
        "active": not flow.covered,
        "id": flow.id,
        "customer_id": flow.customer_id,
        "flow_id": flow.flow_id,
        "state": flow.state.value,
        "stack_depth": flow.stack_depth,
        "current_action_id": flow.current_action.id,
        "current_action_type": flow.current_action.type,
    }
