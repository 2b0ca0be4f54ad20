"""The caller of a script: does one step after the other, each as soon as the flow has come to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowmanager.core.activeflow import Activeflow, State
from flowmanager.core.ids import Id
from flowmanager.simulation import script as steps
from flowmanager.simulation import script_events
from flowmanager.simulation.office import Office
from flowmanager.simulation.telling import span
from flowmanager.simulation.thread import Acts, Thread

CALL_ID: Id = "ca110000-0000-4000-8000-000000000001"
ACTIVEFLOW_ID: Id = "ac710000-0000-4000-8000-000000000001"
REACTION_SECONDS = 1.0
"""Between a request for keys and the first key."""
KEY_SECONDS = 0.3
"""Between two keys."""


@dataclass(slots=True)
class Caller:
    """Plays the steps."""

    office: Office
    call_id: Id = CALL_ID
    activeflow_id: Id = ACTIVEFLOW_ID
    played: int = 0
    """How many steps are done."""
    failures: list[str] = field(default_factory=list)
    """What did not happen as the script wanted."""
    mark: int = 0
    """How many actions the flow had come to when the step before was done."""
    listened: int = 0
    """Up to which text the caller has listened."""
    threads: list[Thread] = field(default_factory=list)
    """The steps, and each of the script's events, beside each other."""

    def begin(self) -> None:
        """Begin to play, and look on from now on."""
        events = (Thread(self.comes(one, since=0), one) for one in self.office.script.events)
        self.threads = [Thread(self.play()), *events]
        self.office.watchers.append(self.notice)
        self.notice()

    def notice(self) -> None:
        """Go on as far as that is possible now."""
        for thread in self.threads:
            thread.go_on()

    def play(self) -> Acts:
        """Do one step after the other."""
        for step in self.office.script.steps:
            yield from self.perform(step)
            if self.failures:
                return
            self.played += 1

    def perform(self, step: steps.Step) -> Acts:
        """Do one step."""
        yield from PLAYS[type(step)](self, step)
        self.mark = len(self.office.recorder.entered)

    # What the caller knows.

    @property
    def flow(self) -> Activeflow:
        """The activeflow as it is."""
        return self.office.recorder.records[self.activeflow_id]

    def asked_for_keys(self) -> bool:
        """Say whether the flow waits for keys, or says something that a key ends."""
        flow, action = self.flow, self.flow.current_action
        ends_talk = action.type == "talk" and (action.option or {}).get("digits_handle") == "next"
        return flow.state is State.WAITING and (action.type == "digits_receive" or ends_talk)

    def at(self, said: str, since: int | None = None) -> bool:
        """Say whether the flow is at an action, or has come to it since the step before (or since so many actions)."""
        recorder = self.office.recorder
        label = recorder.labels.find(said) or said
        here = recorder.labels.of(self.flow.current_action.id, self.flow.current_action.type)
        return (here == label and not self.flow.over) or label in recorder.entered[
            self.mark if since is None else since :
        ]

    def tell(self, what: str) -> None:
        """Write down what the caller does."""
        self.office.recorder.add("caller", what)

    def pause(self, seconds: float) -> Acts:
        """Let time pass."""
        end = self.office.recorder.now + seconds
        self.office.peers.after(seconds, nothing)
        yield lambda: self.office.recorder.now >= end - 1e-6

    # What the caller does.

    def press(self, step: steps.Press) -> Acts:
        """Press keys, when they are wanted or during an action."""
        if step.at:
            yield lambda: self.at(step.at)
            yield from self.pause(step.after)
        else:
            yield self.asked_for_keys
            yield from self.pause(REACTION_SECONDS)
        for key in step.keys:
            self.tell(f"presses {key}")
            self.office.peers.press(self.call_id, key)
            yield from self.pause(KEY_SECONDS)

    def silence(self, step: steps.Silence) -> Acts:
        """Do nothing."""
        if step.seconds is not None:
            self.tell(f"is silent for {span(step.seconds)}")
            yield from self.pause(step.seconds)
            return
        yield self.asked_for_keys
        self.tell("is silent until the time is up")
        count = self.flow.executed_count
        yield lambda: self.flow.executed_count > count or self.flow.over

    def hears(self, step: steps.Hears) -> Acts:
        """Listen until something is said."""
        heard = self.office.recorder.heard
        end = None if step.within is None else self.office.recorder.now + step.within
        if step.within is not None:
            self.office.peers.after(step.within, nothing)

        def found() -> bool:
            while self.listened < len(heard):
                self.listened += 1
                if matches(step, heard[self.listened - 1]):
                    return True
            return False

        result: list[bool] = []

        def decided() -> bool:
            late = end is not None and self.office.recorder.now > end
            if found():
                result.append(not late)
            elif late or (end is not None and self.office.recorder.now >= end):
                result.append(False)
            return bool(result)

        yield decided
        if not result[0]:
            self.failures.append(f"{step.path}: did not hear {step.text!r} within {span(step.within or 0)}")

    def reaches(self, step: steps.Reaches) -> Acts:
        """Wait until the flow comes to an action."""
        yield lambda: self.at(step.action)

    def say(self, step: steps.Say) -> Acts:
        """Say something."""
        self.tell(f"says “{step.text}”")
        data = {"call_id": self.call_id, "text": step.text}
        self.office.peers.emit("transcribe", "transcribe_result", data)
        yield from self.pause(0)

    def hangup(self, step: steps.Hangup) -> Acts:
        """Hang up."""
        if step.at:
            yield lambda: self.at(step.at)
        yield from self.pause(step.after)
        if self.flow.over:
            self.office.recorder.add("note", f"the flow was over before {step.path}")
            return
        self.tell("hangs up")
        self.office.peers.hang_up(self.call_id)
        yield from self.pause(0)

    def repeat(self, step: steps.Repeat) -> Acts:
        """Do some steps again and again."""
        for _ in range(step.times):
            for one in step.steps:
                if not self.flow.over:
                    yield from self.perform(one)

    def resume(self, _step: steps.Resume) -> Acts:
        """Let a blocked flow go on, as the service that blocked it does."""
        yield lambda: self.flow.state is State.BLOCKED
        uri = f"/v1/activeflows/{self.activeflow_id}/continue"
        self.office.request("POST", uri, {"current_action_id": self.flow.current_action.id})
        yield from self.pause(0)

    def set_variables(self, step: steps.SetVariables) -> Acts:
        """Set variables, as services do."""
        self.office.request("POST", f"/v1/variables/{self.activeflow_id}/variables", {"variables": step.variables})
        yield from self.pause(0)

    def event(self, step: steps.Event) -> Acts:
        """Bring a message of another manager."""
        yield from self.comes(step)

    def comes(self, step: steps.Event, since: int | None = None) -> Acts:
        """Bring a message when its time has come."""
        if step.at:
            yield lambda: self.at(step.at, since)
        yield from self.pause(step.after)
        body, uri = script_events.filled([step.body, step.uri], self.ids(), self.flow.variables)
        for _ in range(step.times):
            if step.method:
                self.office.demand(step.method, uri, body)
            else:
                self.office.bring(body)
        yield from self.pause(0)

    def ids(self) -> Mapping[str, str]:
        """Return the ids that an event may name."""
        own = {"call": self.call_id, "activeflow": self.activeflow_id, "flow": self.office.flow_id}
        return {**own, "customer": self.flow.customer_id, "action": self.flow.current_action.id}

    def left_over(self) -> steps.Step | None:
        """Return the step that was waited for in the end; None: all were done."""
        all_steps = self.office.script.steps
        return all_steps[self.played] if self.played < len(all_steps) else None


def nothing() -> None:
    """Only let the caller notice what time it is."""


def matches(step: steps.Hears, text: str) -> bool:
    """Say whether a text is the one that is listened for."""
    if step.how == "matches":
        return re.search(step.text, text) is not None
    return step.text == text if step.how == "is" else step.text.lower() in text.lower()


PLAYS: Mapping[type, Callable[[Caller, Any], Acts]] = {
    steps.Press: Caller.press,
    steps.Silence: Caller.silence,
    steps.Hears: Caller.hears,
    steps.Reaches: Caller.reaches,
    steps.Say: Caller.say,
    steps.Hangup: Caller.hangup,
    steps.Event: Caller.event,
    steps.Repeat: Caller.repeat,
    steps.Resume: Caller.resume,
    steps.SetVariables: Caller.set_variables,
}
