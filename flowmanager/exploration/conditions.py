"""What conditions find in an exploring simulation: times, variables, keys and statuses are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from typing import Any

from flowmanager.executor import Task
from flowmanager.executors.condition_datetime import fits
from flowmanager.exploration.choices import Chooser
from flowmanager.exploration.draft import Draft
from flowmanager.exploration.hints import Hints, name_of
from flowmanager.exploration.moments import Wish, beginning
from flowmanager.exploration.situation import situation_of
from flowmanager.exploration.troubles import ALL_KINDS, wanted
from flowmanager.simulation.caller import CALL_ID
from flowmanager.simulation.director import Director
from flowmanager.simulation.office import Office


@dataclass(slots=True, eq=False)
class Chooses(Director):
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

    kinds: Collection[str] = ALL_KINDS
    """Which kinds of troubles are tried."""

    def choose(self, kind: str, where: str, options: tuple[str, ...]) -> str:
        """Ask which option to take; with only one there is nothing to ask."""
        possible = wanted(options, self.kinds)
        if len(possible) < 2:
            return possible[0]
        return self.chooser.choose(kind, where, possible, self.situation(kind, where))

    def situation(self, kind: str, where: str) -> str:
        """Return the situation of the flow under test, and what was decided about the clock."""
        assert self.office is not None
        recorder = self.office.recorder
        flow = recorder.first
        here = situation_of(flow, recorder.labels) if flow else ""
        if flow and flow.stack_depth:
            here += f"\n{flow.executed_count}"  # a service is at work: it depends on the time, too, how that goes on
        driver = self.office.peers.driver
        if flow and driver is not None and driver.gave_up(CALL_ID):
            here += "\ngiven up"
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
        self.draft.answer(line, answer)


INFLUENCES: Mapping[str, Callable[[Chooses, Task], Task]] = {
    "branch": Chooses.variable,
    "condition_variable": Chooses.variable,
    "condition_datetime": Chooses.time,
    "condition_call_status": Chooses.status,
    "condition_call_digits": Chooses.keys,
}
"""Which conditions can find something else."""
