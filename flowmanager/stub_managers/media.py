"""Media actions that flow-manager sends out: each type, how it begins and what tells that it is complete."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.schemas.fields import parse_id
from flowmanager.stub_managers import bridges, calls, recordings
from flowmanager.stub_managers.calls import Doing
from flowmanager.stub_managers.hanging_up import hang_up
from flowmanager.stub_managers.world import World


@frozen
class Job:
    """An action on a call."""

    call_id: Id
    activeflow_id: Id
    action_id: Id
    type: str
    option: Mapping[str, Any]

    def id(self, name: str) -> Id:
        """Return a uuid of the option, zero when it is absent."""
        return parse_id(str(self.option.get(name, ""))) or NIL


def perform(world: World, job: Job) -> None:
    """Carry out an action. Types that complete at once say nothing later."""
    BEGIN.get(job.type, begin_nothing)(world, job)


def begin_nothing(_world: World, _job: Job) -> None:
    """Be done with it."""


def answer(world: World, job: Job) -> None:
    """Answer the call."""
    calls.set_status(world, calls.call_of(world, job.call_id), "progressing")


def play(world: World, job: Job) -> None:
    """Play something for a while; nobody waits for what is asynchronous."""
    if job.type == "talk":
        answer(world, job)
    if job.option.get("async") is True:
        return
    begin(world, job)


def begin(world: World, job: Job) -> None:
    """Let the call do something, and report its end when its time is over."""
    end = partial(calls.report_done, world, job.call_id, job.activeflow_id, job.action_id)
    doing = Doing(job.action_id, job.activeflow_id, job.type, end)
    calls.begin(world, job.call_id, doing)
    seconds = world.media_seconds(job.type, job.option)
    if seconds is not None:
        world.after(seconds, partial(calls.finish, world, job.call_id, doing))


def receive_digits(world: World, job: Job) -> None:
    """Press the keys of the script, if there are any left; whoever waits for them decides when they are enough."""
    begin(world, job)
    scripts = world.table("digit_scripts")
    script = scripts.get(job.call_id) or scripts.get("*")
    if script:
        press_all(world, job.call_id, script.popleft())


def press_all(world: World, call_id: Id, digits: str) -> None:
    """Press keys, one after the other."""
    for number, digit in enumerate(digits, start=1):
        world.after(number * world.pace.step, partial(press, world, call_id, digit))


def press(world: World, call_id: Id, digit: str) -> None:
    """Press a key, whatever the call does."""
    call = calls.call_of(world, call_id)
    if call["status"] == "hangup":
        return
    pressed = world.table("digits")
    pressed[call_id] = pressed.get(call_id, "") + digit
    event = {
        "id": world.new_id(),
        "customer_id": call["customer_id"],
        "call_id": call_id,
        "digit": digit,
        "duration": 100,
        "tm_create": world.now_text(),
    }
    world.emit("call", "dtmf_received", event)


def script_digits(world: World, call_id: Id, digits: str) -> None:
    """Have keys pressed at the next `digits_receive` of a call (`*`: of any call), at once when one is waiting."""
    doing = world.table("doing").get(call_id)
    if doing is not None and doing.type == "digits_receive":
        press_all(world, call_id, digits)
    else:
        world.table("digit_scripts").setdefault(call_id, deque()).append(digits)


def join_bridge(world: World, job: Job) -> None:
    """Join a bridge; leaving it is what completes the action."""
    bridge_id = job.id("confbridge_id")
    end = partial(bridges.leave, world, bridge_id, job.call_id)
    calls.begin(world, job.call_id, Doing(job.action_id, job.activeflow_id, job.type, end))
    bridges.join(world, bridge_id, job.call_id)


def end_call(world: World, job: Job) -> None:
    """Hang up, for the reason given or that of another call."""
    other = world.table("calls").get(job.id("reference_id"), {})
    reason = other.get("hangup_reason") or str(job.option.get("reason") or "normal")
    hang_up(world, job.call_id, reason=reason, by="local")


def start_recording(world: World, job: Job) -> None:
    """Begin to record the call."""
    recordings.start(world, calls.call_of(world, job.call_id), job.option)


def stop_recording(world: World, job: Job) -> None:
    """End the call's recording."""
    recordings.stop(world, calls.call_of(world, job.call_id))


BEGIN: Mapping[str, Callable[[World, Job], None]] = {
    "amd": play,
    "answer": answer,
    "beep": play,
    "confbridge_join": join_bridge,
    "digits_receive": receive_digits,
    "digits_send": play,
    "echo": play,
    "hangup": end_call,
    "play": play,
    "recording_start": start_recording,
    "recording_stop": stop_recording,
    "sleep": play,
    "stream_echo": play,
    "talk": play,
}
"""How each type begins; every other type is complete at once."""
