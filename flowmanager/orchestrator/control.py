"""Changing a running activeflow: push and add actions, jump, release a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flowmanager.checker import ActionChecker
from flowmanager.core import machine
from flowmanager.core.activeflow import Activeflow, Driver, ReferenceType, State
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.managers.managers import Managers
from flowmanager.orchestrator import record
from flowmanager.orchestrator.claims import locked
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.jumps import Jumps
from flowmanager.ports import Transaction
from flowmanager.schemas.wire import Wire, activeflow_wire

Edit = Callable[[Activeflow], Activeflow]


@frozen
class Control:
    """Changes that are safe against a turn in progress: they wait for the row; the turn sees them when it goes on."""

    engine: Engine
    actions: ActionChecker
    jumps: Jumps

    def push(self, work: Work, activeflow_id: Id, forms: Sequence[Mapping[str, Any]]) -> Wire:
        """Put actions on top, to run next. Raises ActiveflowNotFound, ActiveflowEnded, InvalidRequest, StackTooDeep."""
        actions = self.actions.check(forms)
        stack_id, limits = self.engine.ids.new(), self.engine.limits
        return self.edit(work, activeflow_id, lambda flow: machine.push(flow, stack_id, actions, limits=limits))

    def add(self, work: Work, activeflow_id: Id, forms: Sequence[Mapping[str, Any]]) -> Wire:
        """Insert actions behind the current one. Raises MainStack, and what `push` raises."""
        actions, limits = self.actions.check(forms), self.engine.limits
        return self.edit(work, activeflow_id, lambda flow: machine.add_actions(flow, actions, limits=limits))

    def edit(self, work: Work, activeflow_id: Id, edit: Edit) -> Wire:
        """Change a running activeflow and show it."""
        return work.commit(partial(self.edited, work, activeflow_id, edit))

    def edited(self, work: Work, activeflow_id: Id, edit: Edit, transaction: Transaction) -> Wire:
        """Change a running activeflow inside a transaction."""
        flow = machine.check_running(locked(transaction, activeflow_id))
        changed = record.save_silently(transaction, machine.Change(edit(flow)))
        shown = activeflow_wire(changed, transaction.get_steps([flow.id]).get(flow.id, ()))
        work.answer(transaction, shown)
        return shown

    def release(self, work: Work, activeflow_id: Id, service_id: Id) -> None:
        """Release a service's frame. Raises ActiveflowNotFound, MainStack."""
        work.commit(partial(self.released, work, activeflow_id, service_id))

    def released(self, work: Work, activeflow_id: Id, service_id: Id, transaction: Transaction) -> None:
        """Release a service's frame inside a transaction; an ended activeflow has none left to release."""
        flow = locked(transaction, activeflow_id)
        changed = machine.release(flow, service_id)
        if changed is not flow and not flow.over:
            record.save_silently(transaction, machine.Change(changed))
        work.answer(transaction)

    def forward(self, work: Work, activeflow_id: Id, target_id: Id, *, now: bool) -> None:
        """Set a pending jump. `now`: make it at once, or have the caller who drives the flow come for it.

        Raises ActiveflowNotFound, ActiveflowEnded, TargetNotFound.
        """
        if not now:
            work.commit(partial(self.forwarded, work, activeflow_id, target_id))
            return
        flow = self.jumps.jump(work, activeflow_id, target_id)
        if flow.forward is not None and pulled(flow) and flow.reference_type is ReferenceType.CALL:
            work.afterwards.append(partial(self.call_for, work, flow))

    def forwarded(self, work: Work, activeflow_id: Id, target_id: Id, transaction: Transaction) -> None:
        """Set a pending jump inside a transaction."""
        flow = machine.check_running(locked(transaction, activeflow_id))
        record.save_silently(transaction, machine.Change(machine.jump(flow, target_id)))
        work.answer(transaction)

    def call_for(self, work: Work, flow: Activeflow) -> None:
        """Have call-manager ask for the next action."""
        key = f"{flow.id}:{work.key or self.engine.ids.new()}:forward"
        Managers.of(work.rpc, self.engine.store, key).call.action_next(flow.reference_id)


def pulled(flow: Activeflow) -> bool:
    """Say whether a flow's caller drives it, or will begin to."""
    return flow.state is State.CREATED or (flow.wait is not None and flow.wait.driver is Driver.PULL)
