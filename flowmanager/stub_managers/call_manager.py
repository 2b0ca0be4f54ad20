"""call-manager: calls, their media, and bridges between them."""

from __future__ import annotations

from collections.abc import Mapping

from flowmanager.core.ids import NIL
from flowmanager.stub_managers import bridges, calls, media, recordings
from flowmanager.stub_managers.calls import Call
from flowmanager.stub_managers.hanging_up import hang_up
from flowmanager.stub_managers.legs import create_calls
from flowmanager.stub_managers.stub import Refusal, Route, Stub, StubRequest
from flowmanager.stub_managers.world import World


def live_call(world: World, request: StubRequest) -> Call:
    """Return the call of a request. Raises Refusal when it is over."""
    call = calls.call_of(world, request.parts[0])
    if call["status"] == "hangup":
        raise Refusal(409, "CALL_HANGUP", "the call is over")
    return call


def get_call(world: World, request: StubRequest) -> Call:
    """Show a call."""
    return calls.call_of(world, request.parts[0])


def perform_action(world: World, request: StubRequest) -> None:
    """Carry out a media action; its completion comes as an event."""
    call = live_call(world, request)
    action = request.data.get("action")
    if not isinstance(action, Mapping) or not isinstance(action.get("type"), str):
        raise Refusal(400, "INVALID_ARGUMENT", "action: Not an action.")
    if call["activeflow_id"] == NIL:
        call["activeflow_id"] = request.id("activeflow_id")
    call["action"] = dict(action)
    option = action.get("option")
    job = media.Job(
        call["id"],
        request.id("activeflow_id"),
        str(action.get("id", NIL)),
        action["type"],
        option if isinstance(option, Mapping) else {},
    )
    media.perform(world, job)


def action_next(world: World, request: StubRequest) -> None:
    """Break off what the call does; its end is reported as if it had come by itself."""
    world.after(0, lambda: calls.finish(world, request.parts[0]))


def hang_up_call(world: World, request: StubRequest) -> Call:
    """Hang up."""
    hang_up(world, request.parts[0], by="local")
    return get_call(world, request)


def get_digits(world: World, request: StubRequest) -> dict[str, str]:
    """Show the keys pressed so far."""
    return {"digits": world.table("digits").get(request.parts[0], "")}


def set_digits(world: World, request: StubRequest) -> None:
    """Replace the keys pressed so far."""
    world.table("digits")[request.parts[0]] = request.text("digits")


def start_recording(world: World, request: StubRequest) -> Call:
    """Begin to record."""
    call = live_call(world, request)
    recordings.start(world, call, request.data)
    return call


def stop_recording(world: World, request: StubRequest) -> Call:
    """End the recording."""
    call = live_call(world, request)
    recordings.stop(world, call)
    return call


def accept(world: World, request: StubRequest) -> None:
    """Do something to a live call that has no consequence here."""
    live_call(world, request)


def accept_call(world: World, request: StubRequest) -> Call:
    """Do the same and show the call."""
    return live_call(world, request)


def create_bridge(world: World, request: StubRequest) -> bridges.Bridge:
    """Make a bridge."""
    return bridges.new_bridge(
        world,
        customer_id=request.id("customer_id"),
        activeflow_id=request.id("activeflow_id"),
        reference_type=request.text("reference_type", "call"),
        reference_id=request.id("reference_id"),
        type=request.text("type", "connect"),
    )


def get_bridge(world: World, request: StubRequest) -> bridges.Bridge:
    """Show a bridge."""
    return bridges.bridge_of(world, request.parts[0])


def join_bridge(world: World, request: StubRequest) -> None:
    """Put a call into a bridge."""
    bridges.join(world, request.parts[0], request.parts[1])


def leave_bridge(world: World, request: StubRequest) -> None:
    """Take a call out of a bridge."""
    bridges.leave(world, request.parts[0], request.parts[1])


def terminate_bridge(world: World, request: StubRequest) -> bridges.Bridge:
    """End a bridge."""
    bridges.terminate(world, request.parts[0])
    return get_bridge(world, request)


call_manager = Stub(
    "call",
    (
        Route("POST", "/v1/calls/<id>/actions", perform_action),
        Route("POST", "/v1/calls", create_calls),
        Route("GET", "/v1/calls/<id>", get_call),
        Route("GET", "/v1/calls/<id>/digits", get_digits),
        Route("POST", "/v1/calls/<id>/digits", set_digits),
        Route("POST", "/v1/calls/<id>/action-next", action_next),
        Route("POST", "/v1/calls/<id>/hangup", hang_up_call),
        Route("POST", "/v1/calls/<id>/recording_start", start_recording),
        Route("POST", "/v1/calls/<id>/recording_stop", stop_recording),
        Route("POST", "/v1/calls/<id>/external-media", accept_call),
        Route("DELETE", "/v1/calls/<id>/external-media", accept_call),
        *(
            Route(method, f"/v1/calls/<id>/{verb}", accept)
            for verb in ("mute", "hold", "moh", "silence")
            for method in ("POST", "DELETE")
        ),
        *(Route("POST", f"/v1/calls/<id>/{verb}", accept) for verb in ("talk", "play", "media_stop")),
        Route("POST", "/v1/confbridges", create_bridge),
        Route("GET", "/v1/confbridges/<id>", get_bridge),
        Route("POST", "/v1/confbridges/<id>/calls/<id>", join_bridge),
        Route("DELETE", "/v1/confbridges/<id>/calls/<id>", leave_bridge),
        Route("POST", "/v1/confbridges/<id>/terminate", terminate_bridge),
    ),
)
