"""conference-manager: calls join a conference and leave it."""

from __future__ import annotations

from functools import partial
from typing import Any

from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers import bridges, services
from flowmanager.stub_managers.stub import Route, Stub, StubRequest
from flowmanager.stub_managers.world import World


def start_conferencecall(world: World, request: StubRequest) -> dict[str, Any]:
    """Send a call through the conference's pre-flow, if it has one, into its bridge."""
    conference_id = request.id("conference_id")
    bridge_id = bridge_of_conference(world, conference_id)
    conferencecall = {
        "id": world.new_id(),
        "customer_id": NIL,
        "activeflow_id": request.id("activeflow_id"),
        "conference_id": conference_id,
        "reference_type": "call",
        "reference_id": request.id("reference_id"),
        "status": "joining",
        "tm_create": world.now_text(),
    }
    world.table("conferencecalls")[conferencecall["id"]] = conferencecall
    world.emit("conference", "conferencecall_joining", conferencecall)
    bridges.when_left(world, bridge_id, request.id("reference_id"), partial(leave, world, conferencecall))
    join = services.action(world, "confbridge_join", {"confbridge_id": bridge_id})
    return services.service(conferencecall["id"], "conferencecall", [*pre_flow(world, conference_id), join])


def bridge_of_conference(world: World, conference_id: Id) -> Id:
    """Return the bridge of a conference, the same for all its calls."""
    known = world.table("conference_bridges")
    if conference_id not in known:
        bridge = bridges.new_bridge(world, reference_type="conference", reference_id=conference_id, type="conference")
        known[conference_id] = bridge["id"]
    found: Id = known[conference_id]
    return found


def pre_flow(world: World, conference_id: Id) -> list[services.Action]:
    """Return what a call goes through before it joins."""
    flow_id = world.table("pre_flows").get(conference_id, NIL)
    return [] if flow_id == NIL else [services.action(world, "fetch_flow", {"flow_id": flow_id})]


def leave(world: World, conferencecall: dict[str, Any]) -> None:
    """The call has left."""
    conferencecall |= {"status": "leaved", "tm_update": world.now_text()}
    world.emit("conference", "conferencecall_leaved", conferencecall)


conference_manager = Stub("conference", (Route("POST", "/v1/services/type/conferencecall", start_conferencecall),))
