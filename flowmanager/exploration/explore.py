"""The search: simulations that share a beginning and then decide differently, what is new first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Any

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.frozen import frozen
from flowmanager.exploration.choices import Choice, Chooser
from flowmanager.exploration.coverage import Coverage, Reasons, coverage_wire
from flowmanager.exploration.curious import CuriousDirector
from flowmanager.exploration.draft import folded
from flowmanager.exploration.findings import Finding, decisions_of, key_of, kind_of, last_failure
from flowmanager.exploration.graph import Graph, graph_of
from flowmanager.exploration.hints import hints_of
from flowmanager.exploration.troubles import ALL_KINDS, KIND_OF, ONCE, Mark, Tried, tried_of
from flowmanager.lint.reader import stored
from flowmanager.simulation.director import Director
from flowmanager.simulation.flow_file import FlowBody, flow_body
from flowmanager.simulation.office import Office
from flowmanager.simulation.result import Result
from flowmanager.simulation.run import prepare, quiet_logs, run_simulation
from flowmanager.simulation.script import Expect, Script
from flowmanager.simulation.script_reader import script_from

MAX_RUNS = 500
"""Some seconds. A flow of 70 actions with ten menus and thirty requests needs as many; most need a tenth."""
ROUNDS = 100
"""How often a circle is walked to see whether a limit ends it: more than the limit of resumes in a life."""
MOST_CIRCLES = 10

Prefix = tuple[int, ...]
Progress = Callable[[int], None]


@dataclass(order=True, slots=True)
class Plan:
    """A simulation to be run: which decisions it begins with. Plans with a decision never made before go first, and
    what the flow itself can do before what goes wrong around it."""

    seen: bool
    trouble: bool
    length: int
    number: int
    prefix: Prefix = field(compare=False)
    mark: tuple[str, str, str] = field(compare=False)


@frozen(kw_only=True)
class Exploration:
    """What came of it."""

    runs: int
    complete: bool
    """Every branch that was found was walked."""
    ends: Counter[str]
    """How many simulations ended why; `joined`: went on like another one."""
    coverage: Coverage
    troubles: Tried
    reasons: Reasons
    findings: Sequence[Finding]

    @property
    def mistakes(self) -> list[Finding]:
        """The flow's own: ends that nobody wants although nobody else failed."""
        return [one for one in self.findings if not one.provoked]

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "runs": self.runs,
            "complete": self.complete,
            "ends": dict(self.ends),
            "coverage": coverage_wire(self.coverage, self.reasons),
            "troubles": self.troubles.wire(),
            "findings": [one.wire() for one in self.findings],
        }


class Explorer:
    """Explores one flow. Of the script only the surroundings count: its steps and expectations are left out."""

    def __init__(
        self, flow: FlowBody, script: Script, *, max_runs: int = MAX_RUNS, troubles: Collection[str] = ALL_KINDS
    ) -> None:
        """Nothing has run yet. `troubles`: which kinds are tried. Raises InvalidFlow and InvalidScript."""
        self.flow = flow_body(flow)
        self.script = replace(script, steps=(), expect=Expect())
        self.max_runs, self.kinds = max_runs, frozenset(troubles)
        self.offered: set[Mark] = set()
        """All options that there were."""
        self.hints = hints_of(self.flow["actions"])
        self.coverage = Coverage(self.graph())
        self.plans: list[Plan] = []
        self.situations: set[str] = set()
        self.marks: set[tuple[str, str, str]] = set()
        self.impossible: set[tuple[str, str]] = set()
        self.ends: Counter[str] = Counter()
        self.findings: dict[tuple[str, str, str], Finding] = {}
        self.circles: set[tuple[tuple[str, str, str], ...]] = set()
        self.runs = 0

    def graph(self) -> Graph:
        """Return the graph of the flow as it is stored."""
        with quiet_logs():
            office = Office(self.script, Director())
            prepare(office, self.flow)
        flow = stored(office.store.tables.flows[office.flow_id])
        return graph_of(flow, office.recorder.labels, live=self.script.reference is ReferenceType.CALL)

    def explore(self, progress: Progress) -> Exploration:
        """Run until everything that was found is walked, or there were enough runs."""
        self.walk((), first=True)
        progress(1)
        while self.plans and self.runs < self.max_runs:
            before = self.runs
            self.walk(self.next_plan().prefix)
            progress(self.runs - before)
        complete = not self.plans
        return Exploration(
            runs=self.runs,
            complete=complete,
            ends=self.ends,
            coverage=self.coverage,
            troubles=tried_of(self.offered, self.marks),
            reasons=Reasons(self.coverage, self.impossible, complete),
            findings=sorted(map(self.checked, worth_telling(self.findings.values())), key=order),
        )

    def next_plan(self) -> Plan:
        """Take the best plan. A decision that was new when it was planned may have been made since."""
        while True:
            plan = heappop(self.plans)
            if plan.seen or plan.mark not in self.marks:
                return plan
            heappush(self.plans, replace(plan, seen=True))

    def walk(self, prefix: Prefix, *, first: bool = False) -> None:
        """Run one simulation and plan what it could have done otherwise. The very first one goes on to its end."""
        director, result = self.run(prefix, join=not first)
        chooser = director.chooser
        self.plan(chooser.taken, len(prefix))
        if not chooser.joined:
            self.judge(director, result)
        elif chooser.circle is not None and len(self.circles) < MOST_CIRCLES:
            self.go_round(chooser.taken, chooser.circle)

    def run(self, prefix: Prefix, *, join: bool) -> tuple[CuriousDirector, Result]:
        """Run one simulation and count what it reached."""
        own: set[str] = set()

        def known(situation: str) -> bool:
            met = situation in self.situations or situation in own
            own.add(situation)
            return join and met

        director = CuriousDirector(Chooser(prefix, known), self.hints, kinds=self.kinds)
        result = run_simulation(self.flow, self.script, director)
        self.runs += 1
        self.ends["joined" if director.chooser.joined else result.ended] += 1
        self.coverage.add(result)
        self.impossible |= director.impossible
        return director, result

    def plan(self, choices: Sequence[Choice], begin: int) -> None:
        """Plan the alternatives to the decisions from a number on, each situation once, some troubles once at all."""
        self.marks |= {choice.mark for choice in choices}
        for place, choice in enumerate(choices[begin:], begin):
            if choice.situation in self.situations:
                continue
            self.situations.add(choice.situation)
            before = tuple(one.taken for one in choices[:place])
            for other in range(1, len(choice.options)):
                mark, option = choice.other(other), choice.options[other]
                number = len(self.situations) * 100 + other
                if mark in self.offered and option in ONCE:
                    continue
                self.offered.add(mark)
                heappush(self.plans, Plan(mark in self.marks, option in KIND_OF, place, number, (*before, other), mark))

    def go_round(self, choices: Sequence[Choice], begin: int) -> None:
        """Walk a circle until something ends it."""
        circle = tuple(choice.mark for choice in choices[begin:])
        if circle in self.circles:
            return
        self.circles.add(circle)
        taken = [choice.taken for choice in choices]
        director, result = self.run((*taken, *taken[begin:] * ROUNDS), join=False)
        self.judge(director, result)

    def judge(self, director: CuriousDirector, result: Result) -> None:
        """Keep an end that nobody wants, with the shortest way to it."""
        kind = kind_of(result)
        if kind is None:
            return
        choices = director.chooser.taken
        failure = last_failure(choices)
        key = key_of(kind, result, failure)
        known = self.findings.get(key)
        found = Finding(
            kind=kind,
            why=result.why,
            runs=1 + (known.runs if known else 0),
            script={**surroundings(self.script), **steps_folded(director.draft.values)},
            decisions=tuple(dict.fromkeys(decisions_of(choices))),
            provoked=bool(failure),
        )
        if known and known.rank <= found.rank:
            found = replace(known, runs=found.runs)
        others = {result.why, *((*known.also, known.why) if known else ())}
        also = sorted(others - {found.why})
        self.findings[key] = replace(found, also=tuple(also))

    def checked(self, finding: Finding) -> Finding:
        """Try the script of a finding."""
        script = {name: value for name, value in finding.script.items() if value or name == "reference"}
        told = script_from(script)
        changes = {name: getattr(told, name) for name in script}
        if "variables" in changes:
            changes["variables"] = {**self.script.variables, **changes["variables"]}
        if "peers" in changes:
            changes["peers"] = (*changes["peers"], *self.script.peers)
        result = run_simulation(self.flow, replace(self.script, **changes))
        return replace(finding, script=script, reproduced=result.why == finding.why)


def surroundings(script: Script) -> dict[str, Any]:
    """Return what a script for a finding must say of how the flow runs, as far as that is not the usual."""
    kind = {} if script.reference is ReferenceType.CALL else {"reference": script.reference.value or None}
    return {**kind, **({"mode": script.mode} if script.pulls else {})}


def steps_folded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a drafted script in which steps that come again and again are one."""
    return {**values, "steps": folded(values.get("steps", []))}


def order(finding: Finding) -> tuple[bool, str]:
    """Return what puts findings in order: the flow's own mistakes first."""
    return finding.provoked, finding.kind


def worth_telling(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without limits that a circle comes to with or without the failures of others."""
    found = list(findings)
    own = {one.kind for one in found if not one.provoked}
    return [one for one in found if not (one.provoked and one.kind == "limit" and "limit" in own)]
