"""How a queue behaves: its wait flow, and when an agent is found."""

from __future__ import annotations

from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers import services
from flowmanager.stub_managers.world import World

WAIT_MILLISECONDS = 10_000


@frozen(kw_only=True)
class QueuePlan:
    """Times in seconds."""

    wait_flow_id: Id = NIL
    """What callers hear; NIL: a flow is made when it is needed."""
    agent_after: float | None = None
    """None: as the pace says."""
    timeout_wait: float | None = None
    """When a caller is sent away; then no agent is ever found. None: never."""
    name: str = "support"


def plan_of(world: World, queue_id: Id) -> QueuePlan:
    """Return how a queue behaves; `*` stands for every queue that has no plan of its own."""
    queues = world.table("queues")
    plan: QueuePlan = queues.get(queue_id) or queues.get("*") or QueuePlan()
    return plan


def wait_flow(world: World, plan: QueuePlan, activeflow_id: Id) -> Id:
    """Return the wait flow for callers of the activeflow's customer; NIL when it cannot be made."""
    if plan.wait_flow_id != NIL:
        return plan.wait_flow_id
    seconds = world.pace.callback
    activeflow = world.try_ask("GET", f"/v1/activeflows/{activeflow_id}", seconds=seconds)
    customer_id = activeflow["customer_id"] if activeflow else NIL
    known = world.table("wait_flows")
    if activeflow and customer_id not in known:
        flow = world.try_ask("POST", "/v1/flows", new_wait_flow(customer_id), seconds=seconds)
        known[customer_id] = flow["id"] if flow else NIL
    found: Id = known.get(customer_id, NIL)
    return found


def new_wait_flow(customer_id: Id) -> dict[str, Any]:
    """Return the request for a flow that tells the caller to wait, again and again."""
    return {
        "customer_id": customer_id,
        "type": "queue",
        "name": "wait flow",
        "actions": [
            {"type": "talk", "option": {"text": "please wait", "language": "en-US"}},
            {"type": "sleep", "option": {"duration": WAIT_MILLISECONDS}},
        ],
    }


def wait_action(world: World, flow_id: Id) -> services.Action:
    """Return the first action of the service: the wait flow, or mere waiting where there is none."""
    if flow_id == NIL:
        return services.action(world, "sleep", {"duration": WAIT_MILLISECONDS})
    return services.action(world, "fetch_flow", {"flow_id": flow_id})
