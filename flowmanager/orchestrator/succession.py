"""What comes after an end: the on-complete or on-drop flow, and the activeflow below on the stack."""

from __future__ import annotations

from datetime import datetime

import structlog

from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, Wait
from flowmanager.core.flow import Flow
from flowmanager.core.ids import NIL, Id
from flowmanager.core.stacks import StackMap
from flowmanager.core.suspension import uncover
from flowmanager.core.variables import COMPLETE_COUNT, Variables, initial
from flowmanager.orchestrator.engine import Engine
from flowmanager.ports import Transaction

log = structlog.get_logger()


def follower_id(flow: Activeflow) -> Id:
    """Return the flow that the end of an activeflow starts, NIL for none."""
    if flow.ended_reason is EndedReason.DROPPED:
        return flow.on_drop_flow_id
    return NIL if flow.ended_reason is EndedReason.CUSTOMER_DELETED else flow.on_complete_flow_id


def too_deep(engine: Engine, flow: Activeflow) -> bool:
    """Say whether a child of this activeflow would make the chain too long."""
    return flow.complete_count + 1 >= engine.limits.chain_depth


def blocked(engine: Engine, flow: Activeflow) -> bool:
    """Say whether the end would start a flow if the chain were not as long as it may be."""
    return follower_id(flow) != NIL and too_deep(engine, flow)


def child(transaction: Transaction, engine: Engine, parent: Activeflow) -> Activeflow | None:
    """Return the activeflow that the end of another one starts; None: there is none."""
    flow_id = follower_id(parent)
    if flow_id == NIL or too_deep(engine, parent):
        return None
    template = transaction.get_flow(flow_id)
    if template is None or template.customer_id != parent.customer_id:
        log.warning("following_flow_missing", activeflow_id=parent.id, flow_id=flow_id)
        return None
    return child_of(engine, parent, template, transaction.now())


def child_of(engine: Engine, parent: Activeflow, template: Flow, now: datetime) -> Activeflow:
    """Return a new activeflow that inherits the parent's variables and is due at once."""
    made = Activeflow(
        id=engine.ids.new(),
        customer_id=parent.customer_id,
        flow_id=template.id,
        reference_type=parent.reference_type,
        reference_id=parent.reference_id,
        reference_activeflow_id=parent.id,
        on_complete_flow_id=template.on_complete_flow_id,
        on_drop_flow_id=template.on_drop_flow_id,
        after_reference=True,
        stacks=StackMap.of(template.actions),
        complete_count=parent.complete_count + 1,
        wait=Wait(Driver.TIMER, now),
        tm_create=now,
    )
    variables, _ = initial(parent.variables, {}, own_variables(made), limits=engine.limits)
    return made.evolve(variables=variables)


def own_variables(flow: Activeflow) -> Variables:
    """Return the variables that every activeflow has of itself."""
    return {
        "voipbin.activeflow.id": flow.id,
        "voipbin.activeflow.reference_type": flow.reference_type.value,
        "voipbin.activeflow.reference_id": flow.reference_id,
        "voipbin.activeflow.reference_activeflow_id": flow.reference_activeflow_id,
        "voipbin.activeflow.flow_id": flow.flow_id,
        COMPLETE_COUNT: str(flow.complete_count),
    }


def stacked(engine: Engine, flow: Activeflow) -> bool:
    """Say whether an activeflow belongs to a stack: its reference's type has them, and it is no follower of another."""
    named = flow.reference_type.value in engine.stacked_types and flow.reference_id != NIL
    return named and not flow.after_reference


def stack(transaction: Transaction, engine: Engine, flow: Activeflow) -> list[Activeflow]:
    """Lock and return the other activeflows of the stack that a flow belongs to, the top first."""
    found = transaction.lock_by_reference(flow.reference_id)
    same = (one for one in found if one.customer_id == flow.customer_id and one.reference_type is flow.reference_type)
    return [one for one in same if one.id != flow.id and stacked(engine, one)]


def next_below(transaction: Transaction, engine: Engine, ended: Activeflow) -> Activeflow | None:
    """Return the activeflow that comes on top when another one has ended, uncovered; None: there is none.

    When the customer is gone, those below end too: none of them comes on top for a moment.
    """
    gone = ended.ended_reason is EndedReason.CUSTOMER_DELETED
    if gone or ended.covered or not stacked(engine, ended):
        return None
    others = stack(transaction, engine, ended)
    if not others or not others[0].covered:
        return None
    return uncover(others[0], transaction.now())
