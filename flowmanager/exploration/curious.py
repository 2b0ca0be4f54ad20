"""The world of an exploring simulation: wherever something could go one way or the other, it asks which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from flowmanager.executor import Task
from flowmanager.executors.condition_datetime import fits
from flowmanager.exploration.choices import Chooser
from flowmanager.exploration.curious_caller import CuriousCaller
from flowmanager.exploration.draft import Draft, line_of
from flowmanager.exploration.hints import RESPONSE, STATUS_CODE, Hints, name_of
from flowmanager.exploration.moments import Wish, beginning
from flowmanager.exploration.situation import situation_of
from flowmanager.ports import Ask
from flowmanager.simulation.director import Director
from flowmanager.simulation.office import Office
from flowmanager.simulation.peers import queue_plan
from flowmanager.simulation.script import Agent, PeerRule
from flowmanager.stub_managers.rules import Fault, Rule

OK, FAILS = "ok", "fails"
FAILURE = 503
ANYTHING = Rule("*", "*", "*", Fault())
FAILED = PeerRule(rule=Rule("*", "*", "*", Fault(status_code=FAILURE)))
PASSED_OVER = ("/v1/directs",)


@dataclass(slots=True, eq=False)
class CuriousDirector(Director):
    """Asks the chooser, and writes down in the draft how to make the same happen by a script."""

    chooser: Chooser
    hints: Hints
    draft: Draft = field(default_factory=Draft)
    office: Office | None = None
    offset: timedelta = timedelta()
    wishes: list[Wish] = field(default_factory=list)
    impossible: set[tuple[str, str]] = field(default_factory=set)
    """Ways that no time of the year leads."""
    wanted_answer: Mapping[str, Any] | None = None
    """What call-manager will be told to have answered."""

    step: tuple[int, str] = (0, "")
    """Which action asks, and how many were done before it."""
    asked_in_step: list[str] = field(default_factory=list)

    def caller(self, office: Office) -> CuriousCaller:
        """Return a caller who asks what to do."""
        self.office = office
        return CuriousCaller(office, choose=self.choose, hints=self.hints, draft=self.draft)

    def choose(self, kind: str, where: str, options: tuple[str, ...]) -> str:
        """Ask which option to take; with only one there is nothing to ask."""
        return (
            options[0] if len(options) < 2 else self.chooser.choose(kind, where, options, self.situation(kind, where))
        )

    def situation(self, kind: str, where: str) -> str:
        """Return the situation of the flow under test, and what was decided about the clock."""
        assert self.office is not None
        recorder = self.office.recorder
        flow = recorder.first
        here = situation_of(flow, recorder.labels) if flow else ""
        if flow and flow.stack_depth:
            here += f"\n{flow.executed_count}"  # a service is at work: it depends on the time, too, how that goes on
        clock = [f"{wish.option} {wish.result}" for wish in self.wishes]
        return "\n".join([kind, where, *clock, here])

    # What conditions find.

    def influence(self, task: Task) -> Task:
        """Let a condition find what is chosen."""
        change = INFLUENCES.get(task.action.type)
        self.wanted_answer = None
        return change(self, task) if change and self.office is not None else task

    def label(self, task: Task) -> str:
        """Return the label of an action."""
        assert self.office is not None
        return self.office.recorder.labels.of(task.action.id, task.action.type)

    def variable(self, task: Task) -> Task:
        """Give a variable that only somebody else can set one of the values that make a difference."""
        flow = task.activeflow
        stored = flow.stacks.action(flow.cursor)
        name = name_of((stored.option or {}).get("variable")) if stored else ""
        values = self.hints.values.get(name, ())
        if not values or flow.variables.get(name) or not self.hints.comes_from_outside(name):
            return task
        option = self.choose("variable", name, ("not set", *values))
        if option == "not set":
            return task
        self.draft.part("variables")[name] = option
        known = {**flow.variables, name: option}
        told = {**task.option, "variable": option} if task.action.type == "condition_variable" else task.option
        return replace(task, activeflow=flow.evolve(variables=known), option=told)

    def time(self, task: Task) -> Task:
        """Let a condition on date and time be true or false, if there is a time at which all of them are as chosen."""
        assert self.office is not None
        elapsed, label = self.office.agenda.elapsed, self.label(task)
        found = fits((task.now + self.offset).astimezone(UTC), task.option)
        begin = self.office.agenda.begin.astimezone(UTC)
        other = beginning(begin, [*self.wishes, Wish(elapsed, task.option, not found)])
        if other is None:
            self.impossible.add((label, str(not found).lower()))
        options = (str(found).lower(), str(not found).lower()) if other else (str(found).lower(),)
        chosen = self.choose("clock", label, options)
        self.wishes.append(Wish(elapsed, task.option, chosen == "true"))
        if other is not None and chosen != options[0]:
            self.offset = other - begin
            self.draft.begin_at(other)
        return replace(task, now=task.now + self.offset)

    def status(self, task: Task) -> Task:
        """Let a call have the status that is asked for, or another."""
        wanted = task.option["status"]
        option = self.choose("call status", self.label(task), ("as it is", wanted, f"not {wanted}"))
        if option != "as it is":
            self.tell("call GET /v1/calls/<id>", {"status": wanted if option == wanted else "unknown"})
        return task

    def keys(self, task: Task) -> Task:
        """Let enough keys have been pressed, or none."""
        enough = task.option["key"] or "1" * task.option["length"]
        option = self.choose("keys so far", self.label(task), ("as they are", "enough", "none"))
        if option != "as they are":
            self.tell("call GET /v1/calls/<id>/digits", {"digits": enough if option == "enough" else ""})
        return task

    def tell(self, line: str, answer: Mapping[str, Any]) -> None:
        """Have call-manager answer something."""
        self.wanted_answer = answer
        self.draft.part("peers")[line] = {"answer": dict(answer)}

    # How other managers behave.

    def asked(self, ask: Ask) -> PeerRule | None:
        """Let another manager do as chosen. Media actions always begin: a failure of one leads nowhere else."""
        if self.office is None or ask.uri.endswith("/actions") or ask.uri in PASSED_OVER:
            return None
        self.draft.count(ask)
        if self.wanted_answer is not None and ask.method == "GET":
            answer, self.wanted_answer = self.wanted_answer, None
            return PeerRule(rule=ANYTHING, answer=answer)
        ways: Mapping[str, Callable[[], None]] = {OK: nothing, **self.ways(ask), FAILS: nothing}
        option = self.choose("request", f"{self.asker()}: {line_of(ask)}{self.repetition(ask)}", tuple(ways))
        ways[option]()
        if option != FAILS:
            return None
        self.draft.fail(ask, FAILURE)
        return FAILED

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
        if self.office is None or self.choose("fetch", url, (OK, FAILS)) == OK:
            return None
        self.draft.part("fetch")[url] = {"fail": 500}
        return {"fail": 500}


def nothing() -> None:
    """It turns out as it does without us."""


INFLUENCES: Mapping[str, Callable[[CuriousDirector, Task], Task]] = {
    "branch": CuriousDirector.variable,
    "condition_variable": CuriousDirector.variable,
    "condition_datetime": CuriousDirector.time,
    "condition_call_status": CuriousDirector.status,
    "condition_call_digits": CuriousDirector.keys,
}
"""Which conditions can find something else."""
