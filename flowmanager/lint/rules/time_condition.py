"""Times that never come, always hold, or lie in each other's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from flowmanager.core.conditions import OPERATORS
from flowmanager.core.frozen import frozen
from flowmanager.executor import Kind
from flowmanager.lint.cells import Cells
from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.flowing import arriving
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.times import EVERYTHING, Window, window_of
from flowmanager.lint.world import World

KEYS = ("condition", "weekdays", "month", "day", "hour", "minute")

FIXES = {
    True: "Look at both operators. For hours around midnight, ask the second condition where the first is false.",
    False: "Put the narrower condition first, or look at both operators.",
}
"""What to do about a condition that those before it make false, by whether they were true."""


@rule("time-condition", "A condition on the time can never be true, is always true, or overlaps with another.")
def time_condition(flow: Template, world: World) -> Iterator[Flaw]:
    """Look at each condition by itself, then at what those before it leave over."""
    del world
    windows = {step.number: window_of(step.option) for step in flow.steps if is_known(step)}
    plain = {}
    for number, window in windows.items():
        if window.never:
            yield never(flow.steps[number], window)
        elif window.always:
            yield always(flow.steps[number])
        else:
            plain[number] = window
    if not flow.graph.open:
        yield from in_the_way(flow, windows, plain)


def is_known(step: Step) -> bool:
    """Say whether it is a condition whose times are written down and compared by an operator."""
    if step.type != "condition_datetime" or step.torn or any(step.is_open(key) for key in KEYS):
        return False
    return step.option["condition"] in OPERATORS or (bool(step.option["weekdays"]) and not compares_wrongly(step))


def compares_wrongly(step: Step) -> bool:
    """Say whether something is compared by what is no operator: another rule tells that."""
    return window_of(step.option).never


def never(step: Step, window: Window) -> Flaw:
    """Return a condition that is never true."""
    what = "no date" if not window.dates else "no time of day"
    reason = f"{what} is {step.option['condition']} the one that is written: the condition is never true"
    return warning(
        f"{step.path}.option", reason, "Look at operator and value; they are read as: now <condition> value."
    )


def always(step: Step) -> Flaw:
    """Return a condition that is always true."""
    reason = "every moment fits: the condition is always true and false_target_id never used"
    return warning(f"{step.path}.option", reason, "Write when it should be true, or remove the condition.")


def in_the_way(flow: Template, windows: Mapping[int, Window], plain: Mapping[int, Window]) -> Iterator[Flaw]:
    """Yield conditions whose result those before them decide. Time stands still as long as nobody else is asked."""
    cells = Cells(windows.values())
    if len(plain) < 2 or cells.many:
        return
    clock = Clock(flow, windows, cells)
    left = arriving(flow.graph, cells.everything, clock.through)
    for number, window in plain.items():
        now = (left or {}).get(number, 0)
        if now and now != cells.everything:
            yield from clock.decided(flow.steps[number], now, cells.bits[window])


@frozen(slots=False)
class Clock:
    """What can be said of the present moment along the ways of a flow."""

    flow: Template
    windows: Mapping[int, Window]
    cells: Cells

    def through(self, number: int, now: int) -> Iterable[tuple[int, int]]:
        """Carry it over an action: a condition divides it, and where something is waited for it is lost."""
        graph, step = self.flow.graph, self.flow.steps[number]
        if number in self.windows:
            fits = self.cells.bits[self.windows[number]]
            yield graph.after[number], now & fits
            yield from ((target, now & ~fits) for target in graph.jumps[number])
        else:
            behind = now if is_instant(step) else self.cells.everything
            yield from ((target, behind) for target in graph.ways[number])

    def decided(self, step: Step, now: int, fits: int) -> Iterator[Flaw]:
        """Yield what those before a condition have made of it."""
        before = self.before(step)
        where = self.where(before, now)
        if not now & fits:
            yield warning(
                f"{step.path}.option", f"{where}, this condition is never true", FIXES[where.endswith("true")]
            )
        elif not now & ~fits:
            fix = "Remove it, or look at both operators: it was asked before."
            yield warning(f"{step.path}.option", f"{where}, this condition is always true", fix)
        elif self.overlaps(before, step):
            reason = f"it overlaps with {before.told}: where both are true, that one counts"
            yield note(f"{step.path}.option", reason, "Nothing to do if that is meant; else let the times not overlap.")

    def where(self, before: Step, now: int) -> str:
        """Say how the flow came from the condition before."""
        fits = self.cells.bits[self.windows[before.number]] if before.number in self.windows else now
        if now & ~fits and now & fits:
            return f"behind {before.told}"
        return f"where {before.told} is {'true' if now & fits else 'false'}"

    def before(self, step: Step) -> Step:
        """Return the nearest condition before."""
        earlier = (number for number in self.backwards(step.number) if number in self.windows)
        return self.flow.steps[next(earlier, step.number)]

    def backwards(self, start: int) -> Iterator[int]:
        """Yield the actions that lead to one, the nearest first."""
        waiting, seen = [start], {start}
        for number in waiting:
            fresh = [one for one in self.flow.graph.sources[number] if one not in seen]
            yield from fresh
            seen.update(fresh)
            waiting += fresh

    def overlaps(self, before: Step, step: Step) -> bool:
        """Say whether two conditions ask for the same kind of time, share some of it, and none holds the other."""
        one, other = self.windows.get(before.number), self.windows[step.number]
        graph = self.flow.graph
        if one is None or one.kinds != other.kinds or sum(one.kinds) != 1:
            return False
        if graph.jumps[before.number] != (step.number,) or graph.after[before.number] == step.number:
            return False
        kind = one.kinds.index(True)
        shared = one.parts[kind] & other.parts[kind]
        return shared not in (0, one.parts[kind], other.parts[kind], EVERYTHING[kind])


def is_instant(step: Step) -> bool:
    """Say whether no time passes in an action."""
    pure = step.executor is not None and step.executor.kind in (Kind.PURE, Kind.READING)
    return pure and not step.may_pause
