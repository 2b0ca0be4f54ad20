"""Calls as call-manager keeps them, their events, and what each is doing just now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers.world import World

Call = dict[str, Any]


@frozen(eq=False)
class Doing:
    """A media action in progress. `end` reports its completion."""

    action_id: Id
    activeflow_id: Id
    type: str
    end: Callable[[], None]


def new_call(world: World, call_id: Id, **known: Any) -> Call:
    """Keep a new call: an incoming one that rings, unless more is known."""
    call: Call = {
        "id": call_id,
        "customer_id": NIL,
        "owner_type": "",
        "owner_id": NIL,
        "flow_id": NIL,
        "activeflow_id": NIL,
        "confbridge_id": NIL,
        "type": "flow",
        "master_call_id": NIL,
        "chained_call_ids": [],
        "recording_id": NIL,
        "recording_ids": [],
        "groupcall_id": NIL,
        "source": {"type": "tel", "target": "+3225550101"},
        "destination": {"type": "tel", "target": "+3225550100"},
        "status": "ringing",
        "direction": "incoming",
        "action": {},
        "tm_create": world.now_text(),
        **known,
    }
    world.table("calls")[call_id] = call
    return call


def call_of(world: World, call_id: Id) -> Call:
    """Return a call; one that is not known yet comes in at this moment."""
    call: Call | None = world.table("calls").get(call_id)
    return call if call is not None else new_call(world, call_id)


def set_status(world: World, call: Call, status: str) -> None:
    """Change a call's status and announce it; a call that is over stays so."""
    if call["status"] in (status, "hangup"):
        return
    call["status"] = status
    call["tm_update"] = world.now_text()
    announce(world, call)


def announce(world: World, call: Call) -> None:
    """Tell a call's status; its end is told by whoever ends it."""
    if call["status"] != "hangup":
        world.emit("call", f"call_{call['status']}", call)


def begin(world: World, call_id: Id, doing: Doing) -> None:
    """Remember what a call does; what it did before is forgotten without a word."""
    world.table("doing")[call_id] = doing


def finish(world: World, call_id: Id, doing: Doing | None = None) -> None:
    """End what a call does, if that still is `doing` (None: whatever it is), and report it."""
    current = world.table("doing").get(call_id)
    if current is not None and doing in (None, current):
        forget(world, call_id)
        current.end()


def forget(world: World, call_id: Id) -> None:
    """Break off what a call does."""
    world.table("doing").pop(call_id, None)


def report_done(world: World, call_id: Id, activeflow_id: Id, action_id: Id) -> None:
    """Tell flow-manager that a media action is complete."""
    world.media_done(call_id, {"action_id": action_id, "activeflow_id": activeflow_id})
