"""The end of a call."""

from __future__ import annotations

from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers import bridges, calls
from flowmanager.stub_managers.world import World


def hang_up(world: World, call_id: Id, *, reason: str = "normal", by: str = "remote") -> None:
    """End a call and announce it; it leaves its bridge, and the call that was to be connected to it stops waiting."""
    call = calls.call_of(world, call_id)
    if call["status"] == "hangup":
        return
    call |= {"status": "hangup", "hangup_reason": reason, "hangup_by": by, "tm_hangup": world.now_text()}
    calls.forget(world, call_id)
    world.emit("call", "call_hangup", call)
    if call["confbridge_id"] != NIL:
        bridges.leave(world, call["confbridge_id"], call_id)
    if call["master_call_id"] != NIL:
        release_master(world, call["master_call_id"])


def release_master(world: World, master_id: Id) -> None:
    """Let a call leave its bridge when nobody is left to be connected to it."""
    legs = world.table("legs").get(master_id, [])
    master = calls.call_of(world, master_id)
    if master["confbridge_id"] != NIL and all(leg["status"] == "hangup" for leg in legs):
        bridges.leave(world, master["confbridge_id"], master_id)
