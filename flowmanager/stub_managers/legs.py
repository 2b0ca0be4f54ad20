"""Calls that a flow makes: created with an activeflow of their own, dialled, answered or not."""

from __future__ import annotations

from functools import partial
from typing import Any

from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers import calls
from flowmanager.stub_managers.calls import Call
from flowmanager.stub_managers.hanging_up import hang_up
from flowmanager.stub_managers.stub import Refusal, StubRequest
from flowmanager.stub_managers.world import World

SINGLE_TYPES = frozenset({"", "sip", "tel"})
"""Types of destinations that become one call; any other becomes a group."""
ANSWERED = "answer"


def create_calls(world: World, request: StubRequest) -> dict[str, Any]:
    """Call every destination."""
    destinations = request.objects("destinations")
    made: dict[str, list[Any]] = {"calls": [], "groupcalls": []}
    for destination in destinations:
        if destination.get("type", "") in SINGLE_TYPES:
            made["calls"].append(create_leg(world, request, destination))
        else:
            made["groupcalls"].append(create_group(world, request, destination))
    if not destinations:
        raise Refusal(400, "INVALID_ARGUMENT", "no destination")
    return {key: value for key, value in made.items() if value}


def create_group(world: World, request: StubRequest, destination: dict[str, Any]) -> dict[str, Any]:
    """Call a group, which here has one member."""
    group_id = world.new_id()
    leg = create_leg(world, request, destination, group_id=group_id)
    group = {
        "id": group_id,
        "customer_id": request.id("customer_id"),
        "status": "progressing",
        "flow_id": request.id("flow_id"),
        "source": request.object("source"),
        "destinations": [destination],
        "master_call_id": request.id("master_call_id"),
        "ring_method": "ring_all",
        "answer_method": "hangup_others",
        "call_ids": [leg["id"]],
        "call_count": 1,
        "tm_create": world.now_text(),
    }
    world.table("groupcalls")[group_id] = group
    world.emit("call", "groupcall_created", group)
    return group


def create_leg(world: World, request: StubRequest, destination: dict[str, Any], *, group_id: Id = NIL) -> Call:
    """Make a call with an activeflow of its own, which is asked for before the caller gets its answer."""
    master_id = request.id("master_call_id")
    leg = calls.new_call(
        world,
        world.new_id(),
        customer_id=request.id("customer_id"),
        flow_id=request.id("flow_id"),
        activeflow_id=world.new_id(),
        master_call_id=master_id,
        groupcall_id=group_id,
        source=request.object("source"),
        destination=destination,
        status="dialing",
        direction="outgoing",
    )
    world.table("legs").setdefault(master_id, []).append(leg)
    prepare_flow(world, leg)
    world.emit("call", "call_created", leg)
    dial(world, leg)
    return leg


def prepare_flow(world: World, leg: Call) -> None:
    """Create the activeflow of a call, with the variables that tell about the call."""
    if not world.run_legs:
        return
    wanted = {
        "id": leg["activeflow_id"],
        "customer_id": leg["customer_id"],
        "flow_id": leg["flow_id"],
        "reference_type": "call",
        "reference_id": leg["id"],
    }
    if world.try_ask("POST", "/v1/activeflows", wanted, seconds=world.pace.callback) is not None:
        world.set_variables(leg["activeflow_id"], call_variables(leg))


def call_variables(call: Call) -> dict[str, str]:
    """Return the variables that describe a call."""
    told = {"id": call["id"], "direction": call["direction"], "master_call_id": call["master_call_id"]}
    for side in ("source", "destination"):
        for name in ("name", "detail", "target", "target_name", "type"):
            told[f"{side}.{name}"] = str(call[side].get(name, ""))
    return {f"voipbin.call.{name}": value for name, value in told.items()}


def dial(world: World, leg: Call) -> None:
    """Ring the other side, which answers unless it is told to do otherwise."""
    outcomes = world.table("answers")
    outcome = outcomes.get(leg["destination"].get("target", ""), outcomes.get("*", ANSWERED))
    step = world.pace.step
    world.after(step, partial(calls.announce, world, leg))
    world.after(2 * step, partial(calls.set_status, world, leg, "ringing"))
    if outcome == ANSWERED:
        world.after(3 * step, partial(pick_up, world, leg))
    else:
        world.after(3 * step, partial(hang_up, world, leg["id"], reason=outcome))


def pick_up(world: World, leg: Call) -> None:
    """The other side answers: its flow begins."""
    calls.set_status(world, leg, "progressing")
    if world.run_legs and leg["status"] == "progressing":
        world.begin_flow(leg["id"], leg["activeflow_id"])
