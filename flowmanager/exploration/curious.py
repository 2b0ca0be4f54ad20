"""The world of an exploring simulation: wherever something could go one way or the other, it asks which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from flowmanager.core.activeflow import State
from flowmanager.exploration.conditions import Chooses
from flowmanager.exploration.curious_caller import CuriousCaller
from flowmanager.exploration.draft import line_of
from flowmanager.exploration.hints import RESPONSE, STATUS_CODE
from flowmanager.exploration.troubles import (
    FAILS,
    HANGS_UP_MEANWHILE,
    MEANWHILE_SECONDS,
    OK,
    RULES,
    SAID,
    SILENT,
    troubles_of,
)
from flowmanager.ports import Ask
from flowmanager.simulation.line import is_media
from flowmanager.simulation.office import Office
from flowmanager.simulation.peers import queue_plan
from flowmanager.simulation.script import Agent, PeerRule
from flowmanager.simulation.web import TIMEOUT
from flowmanager.stub_managers.rules import Fault, Rule

ANYTHING = Rule("*", "*", "*", Fault())
PASSED_OVER = ("/v1/directs",)

SERVERS: Mapping[str, Any] = {OK: None, FAILS: {"fail": 500}, SILENT: {"fail": TIMEOUT}}
"""What customers' servers do when actions are fetched."""


@dataclass(slots=True, eq=False)
class CuriousDirector(Chooses):
    """Asks how callers and other managers behave, too."""

    step: tuple[int, str] = (0, "")
    """Which action asks, and how many were done before it."""
    asked_in_step: list[str] = field(default_factory=list)
    phone: CuriousCaller | None = None

    def caller(self, office: Office) -> CuriousCaller:
        """Return a caller who asks what to do."""
        self.office = office
        self.phone = CuriousCaller(office, choose=self.choose, hints=self.hints, draft=self.draft)
        return self.phone

    def asked(self, ask: Ask) -> PeerRule | None:
        """Let another manager do as chosen."""
        if self.office is None or ask.uri in PASSED_OVER:
            return None
        self.draft.count(ask)
        if self.wanted_answer is not None and ask.method == "GET":
            answer, self.wanted_answer = self.wanted_answer, None
            return PeerRule(rule=ANYTHING, answer=answer)
        ways: Mapping[str, Callable[[], None]] = {OK: nothing, **self.ways(ask)}
        option = self.choose(*self.place(ask), (*ways, *troubles_of(ask, may_leave=self.may_leave())))
        if option in ways:
            ways[option]()
            return None
        if option == HANGS_UP_MEANWHILE and self.phone is not None:
            self.phone.leave_after(MEANWHILE_SECONDS)
        self.draft.fault(ask, SAID[option])
        return RULES[option]

    def place(self, ask: Ask) -> tuple[str, str]:
        """Return of which kind a decision about a request is, and where it is made."""
        if is_media(ask):
            action = ask.body["action"]
            assert self.office is not None
            return "media", self.office.recorder.labels.of(action["id"], action["type"])
        return "request", f"{self.asker()}: {line_of(ask)}{self.repetition(ask)}"

    def may_leave(self) -> bool:
        """Say whether the call can end while somebody is waited for."""
        flow = self.phone.flow if self.phone else None
        return flow is not None and flow.state is State.EXECUTING and self.phone is not None and self.phone.may_leave()

    def repetition(self, ask: Ask) -> str:
        """Tell apart the requests of one action that look the same."""
        assert self.office is not None
        step = len(self.office.recorder.history), self.asker()
        if step != self.step:
            self.step, self.asked_in_step = step, []
        line = line_of(ask)
        self.asked_in_step.append(line)
        times = self.asked_in_step.count(line)
        return f" ({times})" if times > 1 else ""

    def asker(self) -> str:
        """Return the action that asks now."""
        assert self.office is not None
        actions = (one.action for one in reversed(self.office.recorder.entries) if one.kind == "action")
        return next(actions, "")

    def ways(self, ask: Ask) -> Mapping[str, Callable[[], None]]:
        """Return how else a request can turn out than well or badly."""
        if ask.uri == "/v1/services/type/queuecall":
            return {"nobody answers": self.nobody_answers}
        if ask.uri == "/v1/calls" and ask.method == "POST":
            return {"busy": self.busy}
        if ask.uri == "/v1/webhook_destinations":
            return self.webhook_ways(ask)
        return {}

    def nobody_answers(self) -> None:
        """Send the caller away from the queue."""
        assert self.office is not None
        away = replace(self.office.script, agent=Agent(how="busy", wait_flow=self.office.script.agent.wait_flow))
        self.office.peers.every_queue(queue_plan(away))
        self.draft.values["agent"] = "busy"

    def busy(self) -> None:
        """Let nobody answer a call."""
        assert self.office is not None
        self.office.peers.script_answer("*", "busy")
        self.draft.part("calls")["*"] = "busy"

    def webhook_ways(self, ask: Ask) -> Mapping[str, Callable[[], None]]:
        """Return the answers of a customer's server that conditions speak of."""
        uri = str((ask.body or {}).get("uri", ""))
        codes = (one for one in self.hints.values.get(STATUS_CODE, ()) if one.isdecimal())
        told: list[dict[str, Any]] = [{"status_code": int(one)} for one in codes]
        told += [{"status_code": 200, "response": one} for one in self.hints.values.get(RESPONSE, ())]
        return {f"answers {one}": partial(self.answer_webhook, uri, one) for one in told}

    def answer_webhook(self, uri: str, told: Mapping[str, Any]) -> None:
        """Let a customer's server answer something."""
        assert self.office is not None
        self.office.peers.table("webhook_answers")[uri] = dict(told)
        self.draft.part("webhooks")[uri] = dict(told)

    def fetched(self, url: str) -> Any:
        """Let a customer's server give actions, or fail."""
        option = OK if self.office is None else self.choose("fetch", url, tuple(SERVERS))
        if option == OK:
            return None
        self.draft.part("fetch")[url] = SERVERS[option]
        return SERVERS[option]


def nothing() -> None:
    """It turns out as it does without us."""
