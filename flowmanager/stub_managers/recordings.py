"""Recordings of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.ids import NIL
from flowmanager.stub_managers.calls import Call
from flowmanager.stub_managers.world import World

Recording = dict[str, Any]


def start(world: World, call: Call, option: Mapping[str, Any]) -> Recording:
    """Begin to record a call, unless that is done already."""
    running: Recording | None = world.table("recordings").get(call["recording_id"])
    if running is not None:
        return running
    recording_id, wanted = world.new_id(), str(option.get("format") or "wav")
    recording: Recording = {
        "id": recording_id,
        "customer_id": call["customer_id"],
        "activeflow_id": call["activeflow_id"],
        "reference_type": "call",
        "reference_id": call["id"],
        "status": "recording",
        "format": wanted,
        "on_end_flow_id": option.get("on_end_flow_id") or NIL,
        "recording_name": f"call_{call['id']}_{recording_id}",
        "filenames": [f"call_{call['id']}_{recording_id}_in.{wanted}"],
        "tm_start": world.now_text(),
    }
    world.table("recordings")[recording_id] = recording
    call["recording_id"] = recording_id
    world.emit("call", "recording_started", recording)
    return recording


def stop(world: World, call: Call) -> None:
    """End the recording of a call, if there is one."""
    recording: Recording | None = world.table("recordings").get(call["recording_id"])
    if recording is None:
        return
    recording |= {"status": "ended", "tm_end": world.now_text()}
    call["recording_ids"] = [*call["recording_ids"], recording["id"]]
    call["recording_id"] = NIL
    world.emit("call", "recording_finished", recording)
