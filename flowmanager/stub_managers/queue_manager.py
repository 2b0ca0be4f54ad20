"""queue-manager: callers wait for an agent, who is found after a while, or not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flowmanager.core.ids import NIL
from flowmanager.errors import BrokerLost, PeerError, PeerGarbled, PeerTimeout
from flowmanager.stub_managers import bridges, services
from flowmanager.stub_managers.queue_plan import QueuePlan, plan_of, wait_action, wait_flow
from flowmanager.stub_managers.stub import Refusal, Route, Stub, StubRequest
from flowmanager.stub_managers.world import World

Queuecall = dict[str, Any]
TRIES = 10
RETRY_SECONDS = 0.5
OVER = frozenset({"done", "abandoned"})


def start_queuecall(world: World, request: StubRequest) -> dict[str, Any]:
    """Put a call into a queue: the flow loops through the wait flow until it is sent to the bridge with the agent."""
    queue_id, activeflow_id = request.id("queue_id"), request.id("activeflow_id")
    plan = plan_of(world, queue_id)
    queuecall_id = world.new_id()
    bridge = bridges.new_bridge(world, activeflow_id=activeflow_id, reference_type="queue", reference_id=queuecall_id)
    first = wait_action(world, wait_flow(world, plan, activeflow_id))
    again = services.action(world, "empty", next_id=first["id"])
    join = services.action(world, "confbridge_join", {"confbridge_id": bridge["id"]})
    queuecall = {
        "id": queuecall_id,
        "customer_id": NIL,
        "queue_id": queue_id,
        "reference_type": "call",
        "reference_id": request.id("reference_id"),
        "reference_activeflow_id": activeflow_id,
        "forward_action_id": join["id"],
        "confbridge_id": bridge["id"],
        "status": "initiating",
        "service_agent_id": NIL,
        "timeout_wait": milliseconds(plan.timeout_wait),
        "timeout_service": 0,
        "tm_create": world.now_text(),
    }
    world.table("queuecalls")[queuecall_id] = queuecall
    world.set_variables(activeflow_id, queue_variables(queuecall, plan))
    world.emit("queue", "queuecall_created", queuecall)
    return services.service(queuecall_id, "queuecall", [first, again, join])


def milliseconds(seconds: float | None) -> int:
    """Return a time limit as the wire has it; none is 0."""
    return int((seconds or 0) * 1000)


def queue_variables(queuecall: Queuecall, plan: QueuePlan) -> dict[str, str]:
    """Return the variables that tell a flow about its queue."""
    return {
        "voipbin.queue.id": queuecall["queue_id"],
        "voipbin.queue.name": plan.name,
        "voipbin.queue.detail": "",
        "voipbin.queuecall.id": queuecall["id"],
        "voipbin.queuecall.timeout_wait": str(queuecall["timeout_wait"]),
        "voipbin.queuecall.timeout_service": str(queuecall["timeout_service"]),
    }


def get_queuecall(world: World, request: StubRequest) -> Queuecall:
    """Show a queuecall. Raises Refusal."""
    queuecall: Queuecall | None = world.table("queuecalls").get(request.parts[0])
    if queuecall is None:
        raise Refusal(404, "QUEUECALL_NOT_FOUND", "no such queuecall")
    return queuecall


def set_waiting(world: World, request: StubRequest) -> Queuecall:
    """The wait flow is in place: look for an agent. Said twice it is done once."""
    queuecall = get_queuecall(world, request)
    if queuecall["status"] == "initiating":
        set_status(world, queuecall, "waiting")
        plan = plan_of(world, queuecall["queue_id"])
        if plan.timeout_wait is not None:
            world.after(plan.timeout_wait, partial(send_away, world, queuecall))
        else:
            seconds = world.pace.agent if plan.agent_after is None else plan.agent_after
            world.after(seconds, partial(find_agent, world, queuecall))
    return queuecall


def find_agent(world: World, queuecall: Queuecall) -> None:
    """An agent is free: send the call to the bridge."""
    if queuecall["status"] in OVER:
        return
    queuecall["service_agent_id"] = world.new_id()
    set_status(world, queuecall, "connecting")
    forward = {"forward_action_id": queuecall["forward_action_id"], "forward_now": True}
    uri = f"/v1/activeflows/{queuecall['reference_activeflow_id']}/forward_action_id"
    done = partial(end, world, queuecall, "done")
    bridges.when_left(world, queuecall["confbridge_id"], queuecall["reference_id"], done)
    insist(world, queuecall, partial(world.ask, "PUT", uri, forward), then=partial(serve, world, queuecall))


def serve(world: World, queuecall: Queuecall) -> None:
    """The call is talking to the agent."""
    if queuecall["status"] not in OVER:
        set_status(world, queuecall, "service")


def send_away(world: World, queuecall: Queuecall) -> None:
    """The caller has waited too long: release the flow."""
    uri = f"/v1/activeflows/{queuecall['reference_activeflow_id']}/service_stop"
    stop = partial(world.ask, "POST", uri, {"service_id": queuecall["id"]})
    insist(world, queuecall, stop, then=partial(end, world, queuecall, "abandoned"))


def insist(
    world: World, queuecall: Queuecall, ask: Callable[[], Any], *, then: Callable[[], None], tries: int = TRIES
) -> None:
    """Ask until there is an answer; a refusal ends the queuecall: its call is gone."""
    try:
        ask()
    except PeerError:
        end(world, queuecall, "abandoned")
    except (PeerTimeout, PeerGarbled, BrokerLost):
        if tries > 1:
            again = partial(insist, world, queuecall, ask, then=then, tries=tries - 1)
            world.after(RETRY_SECONDS, again)
    else:
        then()


def end(world: World, queuecall: Queuecall, status: str) -> None:
    """A queuecall is over."""
    if queuecall["status"] not in OVER:
        queuecall["tm_end"] = world.now_text()
        set_status(world, queuecall, status)


EVENTS = {"service": "serviced"}


def set_status(world: World, queuecall: Queuecall, status: str) -> None:
    """Change a queuecall's status and announce it."""
    queuecall |= {"status": status, "tm_update": world.now_text()}
    world.emit("queue", f"queuecall_{EVENTS.get(status, status)}", queuecall)


queue_manager = Stub(
    "queue",
    (
        Route("POST", "/v1/services/type/queuecall", start_queuecall),
        Route("POST", "/v1/queuecalls/<id>/status_waiting", set_waiting),
        Route("GET", "/v1/queuecalls/<id>", get_queuecall),
    ),
)
