"""The other managers of a simulation: the stub managers on the virtual clock, behaving as the script says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from flowmanager.core.ids import NIL, Id
from flowmanager.ports import Ids
from flowmanager.simulation.clock import Agenda
from flowmanager.simulation.script import Script
from flowmanager.stub_managers.hanging_up import hang_up
from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.records import Exchange, Sent
from flowmanager.stub_managers.rules import Fault
from flowmanager.stub_managers.stub_world import StubWorld
from flowmanager.stub_managers.world import Outside, Pace

CHARACTERS_A_SECOND = 15
"""How fast a text is spoken."""
PLAY_SECONDS = 3.0
BEEP_SECONDS = 0.5
ECHO_SECONDS = 180.0
AMD_SECONDS = 3.0
MACHINE_SECONDS = 2.0
"""After how long a machine is recognized: before an answering machine detection is over."""
AGENT_SECONDS = 10.0
BUSY_SECONDS = 60.0
LENGTHS: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = {
    "talk": lambda option: max(1.0, len(str(option.get("text", ""))) / CHARACTERS_A_SECOND),
    "play": lambda option: PLAY_SECONDS * len(option.get("stream_urls") or ()),
    "beep": lambda _option: BEEP_SECONDS,
    "amd": lambda _option: AMD_SECONDS,
    "echo": lambda option: milliseconds(option, "duration") or ECHO_SECONDS,
    "stream_echo": lambda option: milliseconds(option, "duration") or ECHO_SECONDS,
    "digits_receive": lambda option: milliseconds(option, "duration"),
    "sleep": lambda option: milliseconds(option, "duration") or 0.0,
    "digits_send": lambda option: len(str(option.get("digits", ""))) * (milliseconds(option, "duration") or 0.0),
}
"""How long media actions take, in seconds; None: until something else ends them."""


def milliseconds(option: Mapping[str, Any], name: str) -> float | None:
    """Return a time of an option in seconds; None: it has none."""
    value = option.get(name)
    return value / 1000 if isinstance(value, int | float) and value > 0 else None


class CallDriver(Protocol):
    """Drives the flows of calls."""

    def begin(self, call_id: Id, activeflow_id: Id) -> None:
        """A call begins with its flow."""

    def media_done(self, call_id: Id) -> None:
        """What a call did is complete."""

    def gave_up(self, call_id: Id) -> bool:
        """Say whether it does not go on with a call by itself."""


class Peers(StubWorld):
    """All other managers."""

    def __init__(self, outside: Outside, agenda: Agenda, ids: Ids, script: Script) -> None:
        """They know the script's calls, queues and AIs."""
        pace = Pace(
            step=0.5, media=1.0, bridge=script.agent.talks, alone=BUSY_SECONDS, agent=AGENT_SECONDS, ai=script.ai.after
        )
        super().__init__(outside, pace=pace, timetable=agenda.timetable)
        self.agenda, self.ids, self.script = agenda, ids, script
        self.driver: CallDriver | None = None
        """Who drives calls; None: flow-manager does, and is told what happens."""
        self.waits: Callable[[float], None] = agenda.clock.advance
        """Lets time pass, and what is due happen, while an answer is kept back."""
        self.every_queue(queue_plan(script))
        for target, outcome in script.calls.items():
            self.script_answer(target, "answer" if outcome == "answers" else outcome)
        self.table("webhook_answers").update(script.webhooks)
        self.observers.append(self.let_ai_set_variables)

    def every_queue(self, plan: QueuePlan) -> None:
        """Say how all queues behave."""
        self.table("queues")["*"] = plan

    def now(self) -> datetime:
        """Return the virtual time."""
        return self.agenda.clock.now

    def new_id(self) -> Id:
        """Return a new id, the same in each run."""
        return self.ids.new()

    def pause(self, seconds: float) -> None:
        """Keep an answer back."""
        self.waits(seconds)

    def media_seconds(self, action_type: str, option: Mapping[str, Any]) -> float | None:
        """Return how long a media action takes."""
        length = LENGTHS.get(action_type)
        return length(option) if length else self.pace.media

    def media_done(self, call_id: Id, told: Mapping[str, Any]) -> None:
        """Tell it whoever drives the call."""
        if self.driver is None:
            super().media_done(call_id, told)
        else:
            self.driver.media_done(call_id)

    def begin_flow(self, call_id: Id, activeflow_id: Id) -> None:
        """Let whoever drives the call begin."""
        if self.driver is None:
            super().begin_flow(call_id, activeflow_id)
        else:
            self.driver.begin(call_id, activeflow_id)

    def let_ai_set_variables(self, record: object) -> None:
        """Set what an AI found out, just before it leaves."""
        if isinstance(record, Sent) and record.body["type"] == "aicall_status_terminating" and self.script.ai.variables:
            self.set_variables(record.body["data"]["activeflow_id"], self.script.ai.variables)

    def begins(self, call_id: Id, action: Mapping[str, Any]) -> None:
        """A media action has begun."""
        if action["type"] == "amd" and self.script.amd == "machine":
            self.recognize_machine(call_id, action["option"])

    def recognize_machine(self, call_id: Id, option: Mapping[str, Any]) -> None:
        """An answering machine took the call: call-manager hangs up when the flow wants that."""
        if option.get("machine_handle") == "hangup":
            self.after(MACHINE_SECONDS, partial(hang_up, self, call_id, reason="amd", by="local"))

    def reply(self, manager: str, envelope: Mapping[str, Any], fault: Fault | None) -> Any:
        """Answer a request, with what goes wrong this time: an envelope, rubbish as bytes, or None for silence."""
        seen = self._read(manager, envelope)
        self.seen.append(seen)
        reply = self._answer(seen, fault) if fault else self._perform(seen)
        self.notify(Exchange(seen, reply.get("status_code") if isinstance(reply, Mapping) else None))
        return reply


def queue_plan(script: Script) -> QueuePlan:
    """Return how queues behave when agents do as the script says."""
    agent = script.agent
    wait_flow_id = agent.wait_flow or NIL
    if agent.how == "answers":
        return QueuePlan(wait_flow_id=wait_flow_id, agent_after=agent.after)
    away = 0.0 if agent.how == "none" else BUSY_SECONDS
    return QueuePlan(wait_flow_id=wait_flow_id, timeout_wait=away if agent.after is None else agent.after)
