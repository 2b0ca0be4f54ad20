"""transcribe-manager: speech to text."""

from __future__ import annotations

from functools import partial
from typing import Any

from flowmanager.stub_managers.stub import Refusal, Route, Stub, StubRequest
from flowmanager.stub_managers.world import World

Transcribe = dict[str, Any]
NAMES = ("id", "language", "direction")


def start_transcribe(world: World, request: StubRequest) -> Transcribe:
    """Begin to write down a call, or write down a recording."""
    transcribe = {
        "id": world.new_id(),
        "customer_id": request.id("customer_id"),
        "activeflow_id": request.id("activeflow_id"),
        "on_end_flow_id": request.id("on_end_flow_id"),
        "reference_type": request.text("reference_type"),
        "reference_id": request.id("reference_id"),
        "status": "progressing",
        "language": request.text("language"),
        "direction": request.text("direction", "both"),
        "provider": request.text("provider"),
        "tm_create": world.now_text(),
    }
    world.table("transcribes")[transcribe["id"]] = transcribe
    variables = {f"voipbin.transcribe.{name}": str(transcribe[name]) for name in NAMES}
    world.set_variables(request.id("activeflow_id"), variables)
    world.emit("transcribe", "transcribe_created", transcribe)
    if transcribe["reference_type"] == "recording":
        world.after(world.pace.media, partial(end, world, transcribe))
    return transcribe


def stop_transcribe(world: World, request: StubRequest) -> Transcribe:
    """Write no more. Raises Refusal."""
    transcribe: Transcribe | None = world.table("transcribes").get(request.parts[0])
    if transcribe is None:
        raise Refusal(404, "TRANSCRIBE_NOT_FOUND", "no such transcribe")
    end(world, transcribe)
    return transcribe


def end(world: World, transcribe: Transcribe) -> None:
    """The text is complete."""
    if transcribe["status"] == "done":
        return
    transcribe |= {"status": "done", "tm_update": world.now_text()}
    transcript = {"id": world.new_id(), "transcribe_id": transcribe["id"], "direction": "in", "message": "hello"}
    world.emit("transcribe", "transcript_created", transcript)
    world.emit("transcribe", "transcribe_done", transcribe)


transcribe_manager = Stub(
    "transcribe",
    (
        Route("POST", "/v1/transcribes", start_transcribe),
        Route("POST", "/v1/transcribes/<id>/stop", stop_transcribe),
    ),
)
