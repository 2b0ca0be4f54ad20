"""Watches a simulation and writes down what happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Step, StepResult
from flowmanager.core.ids import Id
from flowmanager.core.outcomes import Continue, Hold, Jump, Outcome
from flowmanager.core.variables import is_own
from flowmanager.executor import Task
from flowmanager.schemas.options import load_option
from flowmanager.simulation import telling
from flowmanager.simulation.action_types import real_executors
from flowmanager.simulation.clock import Clock
from flowmanager.simulation.labels import Labels
from flowmanager.simulation.memory_store import Tables
from flowmanager.simulation.timeline import Done, Entry, PeerRequest, Run


@dataclass(slots=True)
class Recorder:
    """The timeline as far as it has come, and what else is kept for expectations and coverage."""

    clock: Clock
    labels: Labels = field(default_factory=Labels)
    entries: list[Entry] = field(default_factory=list)
    requests: list[PeerRequest] = field(default_factory=list)
    history: list[Done] = field(default_factory=list)
    runs: dict[Id, Run] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    """What was said and played to the caller."""
    entered: list[str] = field(default_factory=list)
    """Labels of the actions that the first activeflow came to."""
    begin: datetime = field(init=False)
    steps_seen: dict[Id, int] = field(default_factory=dict)
    records: dict[Id, Activeflow] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.begin = self.clock.now

    def forget(self) -> None:
        """Forget what was only preparation."""
        self.entries.clear()
        self.requests.clear()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.seconds(self.clock.now)

    def seconds(self, moment: datetime | None) -> float:
        """Return a moment as seconds since the beginning."""
        return (moment - self.begin).total_seconds() if moment else self.now

    def add(self, kind: str, what: str, **facts: Any) -> Entry:
        """Write down one thing that happens now."""
        entry = Entry(self.now, kind, what, facts=facts)
        self.entries.append(entry)
        return entry

    def run_of(self, flow: Activeflow) -> Run:
        """Return what is known of an activeflow; a new one gets a name."""
        if flow.id not in self.runs:
            self.runs[flow.id] = Run(flow.id, self.name_of(flow) if self.runs else "", known=flow.variables)
        return self.runs[flow.id]

    def name_of(self, flow: Activeflow) -> str:
        """Return a name for an activeflow that is not the first."""
        kind = "after" if flow.after_reference else "leg"
        number = 1 + sum(run.name.startswith(kind) for run in self.runs.values())
        return kind if number == 1 else f"{kind} {number}"

    def begins(self, task: Task) -> Entry:
        """Write down that an action begins."""
        flow, action = task.activeflow, task.action
        run = self.run_of(flow)
        what = telling.beginning(action.type, task.option, self.labels)
        entry = self.entry_of(run, flow, flow.executed_count, action, what)
        entry.facts |= {"option": dict(action.option or {})}
        self.entries.append(entry)
        return entry

    def sends_out(self, body: Mapping[str, Any]) -> None:
        """Write down that a media action begins, as call-manager is told."""
        flow, given = self.records[body["activeflow_id"]], body["action"]
        option = load_option(real_executors()[given["type"]].option, given["option"])
        what = telling.beginning(given["type"], option, self.labels)
        action = Action(given["id"], given["type"])
        entry = self.entry_of(self.run_of(flow), flow, flow.executed_count, action, what)
        entry.facts |= {"option": dict(given["option"])}
        self.entries.append(entry)

    def hears(self, body: Mapping[str, Any]) -> None:
        """Remember what the caller hears."""
        action = body["action"]
        if self.runs[body["activeflow_id"]].name:
            return
        if action["type"] == "talk":
            self.heard.append(str(action["option"].get("text", "")))
        elif action["type"] == "play":
            self.heard += action["option"].get("stream_urls") or []

    def entry_of(self, run: Run, flow: Activeflow, number: int, action: Action, what: str) -> Entry:
        """Return a new entry for an action, kept under its number in the history."""
        label = self.labels.of(action.id, action.type)
        entry = Entry(self.now, "action", what, run.name, label, action.type, flow.stack_depth)
        run.entries[number] = entry
        if not run.name:
            self.entered.append(label)
        return entry

    def settled(self, task: Task, entry: Entry, outcome: Outcome) -> None:
        """Write down what an action decided."""
        run = self.runs[task.activeflow.id]
        run.edges[task.activeflow.executed_count] = telling.edge(task, outcome)
        entry.what = telling.settled(task, outcome, entry.what, self.labels)
        if isinstance(outcome, Continue | Jump | Hold) and outcome.variables:
            run.known = {**run.known, **outcome.variables}
            entry.facts["variables"] = dict(outcome.variables)

    def committed(self, tables: Tables, touched: Iterable[Id]) -> None:
        """Write down what a transaction changed."""
        for flow_id in sorted(touched):
            flow = tables.activeflows[flow_id]
            if self.records.get(flow_id) is not flow:
                self.changed(flow, tables.steps.get(flow_id, ()))

    def changed(self, flow: Activeflow, steps: tuple[Step, ...]) -> None:
        """Write down what changed about an activeflow."""
        known = flow.id in self.runs
        run = self.run_of(flow)
        if not known and run.name:
            self.entries.append(Entry(self.now, "note", f"a flow of its own begins: {run.name}", run.name))
        seen = self.steps_seen.get(flow.id, 0)
        self.steps_seen[flow.id] = len(steps)
        for step in steps[seen:]:
            self.left(run, flow, step)
        self.compare(run, flow.variables)
        self.records[flow.id] = flow
        if flow.over and not run.over:
            run.over = True
            self.entries.append(Entry(self.now, "end", telling.end(flow, self.labels), run.name))

    def left(self, run: Run, flow: Activeflow, step: Step) -> None:
        """Write down how an action ended."""
        entry = run.entries.get(step.seq)
        if entry is None:
            entry = self.entry_of(run, flow, step.seq, step.action, "")
            entry.at = self.seconds(step.tm_execute)
            later = [one for number, one in run.entries.items() if number > step.seq]
            place = min((index for index, one in enumerate(self.entries) if one in later), default=len(self.entries))
            self.entries.insert(place, entry)
        done = Done(
            flow=run.name,
            action=entry.action,
            type=step.action.type,
            result=step.result.value,
            cause=step.cause,
            error=step.error,
            began=self.seconds(step.tm_execute),
            ended=self.seconds(step.tm_end),
            edge=run.edges.get(step.seq, "next"),
        )
        self.history.append(done)
        entry.facts |= {"result": done.result, "cause": done.cause, "ended": done.ended}
        if step.error:
            entry.facts["error"] = step.error
        if step.result is not StepResult.DONE:
            entry.what = telling.not_done(step, entry.what)

    def compare(self, run: Run, variables: Mapping[str, str]) -> None:
        """Write down variables that somebody else than an action changed."""
        changed = {
            name: value for name, value in variables.items() if run.known.get(name, "") != value and not is_own(name)
        }
        run.known = variables
        if changed:
            what = telling.variables(changed)
            self.entries.append(Entry(self.now, "variable", what, run.name, facts={"variables": changed}))

    def waiting(self) -> Iterable[Activeflow]:
        """The activeflows that are not over."""
        return (flow for flow in self.records.values() if not flow.over)

    @property
    def first(self) -> Activeflow | None:
        """The activeflow that was started first, as it is."""
        return next((self.records[flow_id] for flow_id in self.runs if flow_id in self.records), None)
