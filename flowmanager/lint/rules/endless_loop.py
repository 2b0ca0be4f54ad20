"""A loop without a way out."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.world import World


@rule("endless-loop", "A loop has no way out.")
def endless_loop(flow: Template, world: World) -> Iterator[Flaw]:
    """Look for groups of actions that only lead to each other. A hang-up is a way out."""
    if flow.graph.open:
        return
    for group in flow.graph.loops:
        steps = [flow.steps[number] for number in sorted(group)]
        hangs_up = any(step.type == "hangup" and world.runs(step, flow) is not False for step in steps)
        if flow.graph.leaves(group) or hangs_up:
            continue
        if any(world.pauses(step, flow) for step in steps):
            yield resting(steps, back(flow, steps), world)
        else:
            yield racing(steps, back(flow, steps), world)


def back(flow: Template, steps: list[Step]) -> Step:
    """Return the last action of a loop that leads back."""
    leading = (step for step in steps if any(target <= step.number for target in flow.graph.ways[step.number]))
    return max(leading, key=lambda step: step.number)


def racing(steps: list[Step], last: Step, world: World) -> Flaw:
    """Return a loop that nothing slows down."""
    reason = (
        f"{loop(steps)} has no way out and no action that waits:"
        f" the flow ends with an error after {world.limits.iterations} actions"
    )
    return warning(last.path, reason, "Give the goto a loop_count, or leave the loop by a condition or branch.")


def resting(steps: list[Step], last: Step, world: World) -> Flaw:
    """Return a loop that goes on until somebody ends it."""
    reason = (
        f"{loop(steps)} has no way out: it goes on until the flow is stopped or the call"
        f" hung up, and ends with an error when the flow was resumed {world.limits.executions} times"
    )
    return note(last.path, reason, "Give the goto a loop_count and say behind it what happens then.")


def loop(steps: list[Step]) -> str:
    """Return how a loop is spoken of."""
    return (
        f"the loop from {steps[0].told} to here" if len(steps) > 1 else f"this {steps[0].type} comes back to itself: it"
    )
