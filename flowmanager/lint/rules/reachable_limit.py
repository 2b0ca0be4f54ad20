"""Limits of the service that the flow can come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from flowmanager.core.frozen import frozen
from flowmanager.core.variables import expanded_size
from flowmanager.executor import Kind
from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.graph import END
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.texts import names_of
from flowmanager.lint.world import World

RESUMED = frozenset({"block", "queue_join", "conference_join", "connect", "ai_talk", "ai_task"})
"""Types that are no caller actions but make the flow wait at least once."""


@rule("reachable-limit", "The flow can come to a limit of the service, which ends it.")
def reachable_limit(flow: Template, world: World) -> Iterator[Flaw]:
    """Count actions without a pause, pauses, and bytes."""
    for step in flow.reached():
        yield from too_large(step, world)
    yield from doubling(flow, world)
    if flow.graph.open:
        return
    yield from too_long(flow, world)
    yield from too_often(flow, world)


def too_long(flow: Template, world: World) -> Iterator[Flaw]:
    """Yield where too many actions follow each other without a pause."""
    limit = world.limits.iterations

    def weight(step: Step) -> int | None:
        return None if world.pauses(step, flow) else 1

    found = Longest(flow, weight).first_above(limit)
    if found is not None:
        reason = f"up to here {found.total} actions can follow each other without a pause; the flow ends after {limit}"
        fix = "Let a loop turn less often, or let the flow wait in between, for example by `sleep`."
        yield warning(found.step.path, reason, fix)


def too_often(flow: Template, world: World) -> Iterator[Flaw]:
    """Yield where the flow has been resumed too often."""
    limit = world.limits.executions

    def weight(step: Step) -> int:
        waits = step.executor is not None and (step.executor.kind is Kind.CALLER or step.type in RESUMED)
        return int(waits and world.runs(step, flow) is not False)

    found = Longest(flow, weight).first_above(limit - 1)
    if found is not None:
        reason = (
            f"up to here the flow can pause {found.total} times, and each pause ends by a resume:"
            f" the flow ends with an error when there are more than {limit}"
        )
        fix = "Let a loop turn less often, join texts into one action, or raise FLOWMANAGER_LIMIT_EXECUTIONS."
        yield warning(found.step.path, reason, fix)


@frozen
class Found:
    """Where a sum passes a limit, and the sum."""

    step: Step
    total: int


@frozen(slots=False)
class Longest:
    """The longest way through a flow. `weight`: what an action adds, None when the count begins anew behind it."""

    flow: Template
    weight: Callable[[Step], int | None]

    def first_above(self, limit: int) -> Found | None:
        """Return the first place with a longer way to it. A loop counts as often as its goto says, else once."""
        group_of = self.groups()
        before: dict[int, int] = {}
        done: set[int] = set()
        for number in self.flow.graph.order:
            if number in done:
                continue
            group = group_of.get(number, frozenset({number}))
            done |= group
            added = self.added(group)
            total = 0 if added is None else max(before.get(one, 0) for one in group) + added
            if total > limit:
                return Found(self.flow.steps[max(group)], total)
            for one in group:
                for target in self.flow.graph.ways[one]:
                    if target != END and target not in group:
                        before[target] = max(before.get(target, 0), total)
        return None

    def groups(self) -> Mapping[int, frozenset[int]]:
        """Return the loop that each action is in."""
        return {number: group for group in self.flow.graph.loops for number in group}

    def added(self, group: frozenset[int]) -> int | None:
        """Return what a group of actions adds, None when the count begins anew in it."""
        weights = [self.weight(self.flow.steps[number]) for number in group]
        if None in weights:
            return None
        return sum(weight or 0 for weight in weights) * self.rounds(group)

    def rounds(self, group: frozenset[int]) -> int:
        """Return how often a loop turns: known only when one goto with a count leads back and nothing else."""
        graph = self.flow.graph
        back = [(one, target) for one in group for target in graph.ways[one] if target in group and target <= one]
        last = self.flow.steps[back[0][0]] if len(back) == 1 else None
        return 1 + (last.option["loop_count"] or 0) if last is not None and last.type == "goto" else 1


def too_large(step: Step, world: World) -> Iterator[Flaw]:
    """Yield texts that are larger than may be, even when all variables are empty."""
    limits = world.limits
    if step.type == "variable_set" and not step.is_open("value"):
        size = len(step.option["value"].encode())
        if size > limits.variable_bytes:
            reason = f"the value has {size} bytes, and a variable takes {limits.variable_bytes}: the action fails"
            yield warning(f"{step.path}.option.value", reason, "Write a shorter value.")
    size = expanded_size(step.live, {})
    if size > limits.option_characters:
        reason = f"the option has {size} characters, and {limits.option_characters} are allowed: the action fails"
        yield warning(f"{step.path}.option", reason, "Write shorter texts.")


def doubling(flow: Template, world: World) -> Iterator[Flaw]:
    """Yield variables that become twice as long with each round of a loop."""
    for group in flow.graph.loops:
        for step in (flow.steps[number] for number in sorted(group)):
            value = step.given.get("value") if step.type == "variable_set" else None
            key = step.option["key"] if step.type == "variable_set" else ""
            if isinstance(value, str) and list(names_of(value)).count(key) > 1:
                limit = world.limits.variable_bytes
                reason = f"with each round of the loop the value gets longer by itself, until {limit} bytes are passed"
                yield warning(f"{step.path}.option.value", reason, f"Write ${{{key}}} once.")
