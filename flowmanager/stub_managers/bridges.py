"""Bridges between calls: who is in, who leaves when, and who wants to know."""

from __future__ import annotations

from functools import partial
from typing import Any

from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers import calls
from flowmanager.stub_managers.timetable import Work
from flowmanager.stub_managers.world import World

Bridge = dict[str, Any]


def new_bridge(world: World, **known: Any) -> Bridge:
    """Keep a new bridge and announce it."""
    bridge: Bridge = {
        "id": world.new_id(),
        "customer_id": NIL,
        "activeflow_id": NIL,
        "reference_type": "call",
        "reference_id": NIL,
        "type": "connect",
        "status": "progressing",
        "channel_call_ids": {},
        "tm_create": world.now_text(),
        **known,
    }
    world.table("bridges")[bridge["id"]] = bridge
    world.emit("call", "confbridge_created", bridge)
    return bridge


def bridge_of(world: World, bridge_id: Id) -> Bridge:
    """Return a bridge, made when it is not known."""
    bridge: Bridge | None = world.table("bridges").get(bridge_id)
    return bridge if bridge is not None else new_bridge(world, id=bridge_id, type="conference")


def when_left(world: World, bridge_id: Id, call_id: Id, work: Work) -> None:
    """Have something done when a call leaves a bridge."""
    world.table("leavers")[f"{bridge_id} {call_id}"] = work


def join(world: World, bridge_id: Id, call_id: Id) -> None:
    """Put a call into a bridge; it leaves after a while, but not before an AI ends the conversation."""
    bridge = bridge_of(world, bridge_id)
    bridge["channel_call_ids"][f"channel-{call_id}"] = call_id
    calls.call_of(world, call_id)["confbridge_id"] = bridge_id
    world.emit("call", "confbridge_joined", {**bridge, "joined_call_id": call_id})
    if bridge["reference_type"] != "ai":
        world.after(stay(world, bridge), partial(leave, world, bridge_id, call_id))


def stay(world: World, bridge: Bridge) -> float:
    """Return how long a call that just joined stays, in seconds."""
    waits = bridge["type"] == "connect" and bridge["reference_type"] == "call" and len(bridge["channel_call_ids"]) == 1
    return world.pace.alone if waits else world.pace.bridge


def leave(world: World, bridge_id: Id, call_id: Id) -> None:
    """Take a call out of a bridge; the other side of a connection leaves with it."""
    bridge = bridge_of(world, bridge_id)
    if bridge["channel_call_ids"].pop(f"channel-{call_id}", None) is None:
        return
    calls.call_of(world, call_id)["confbridge_id"] = NIL
    doing = world.table("doing").get(call_id)
    if doing is not None and doing.type == "confbridge_join":
        calls.forget(world, call_id)
    world.emit("call", "confbridge_leaved", {**bridge, "leaved_call_id": call_id})
    if bridge["type"] == "connect":
        for other in list(bridge["channel_call_ids"].values()):
            leave(world, bridge_id, other)
    if work := world.table("leavers").pop(f"{bridge_id} {call_id}", None):
        # Other managers learn of it by an event, so they are later than that event.
        world.after(world.pace.step, work)


def terminate(world: World, bridge_id: Id) -> None:
    """End a bridge; every call leaves it."""
    bridge = bridge_of(world, bridge_id)
    bridge["status"] = "terminated"
    for call_id in list(bridge["channel_call_ids"].values()):
        leave(world, bridge_id, call_id)
    world.emit("call", "confbridge_terminated", bridge)
