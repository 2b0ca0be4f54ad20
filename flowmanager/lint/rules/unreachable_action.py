"""Actions that the flow never comes to."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.core.ids import NIL
from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.world import World
from flowmanager.schemas.fields import parse_id


@rule("unreachable-action", "No way leads to an action.")
def unreachable_action(flow: Template, world: World) -> Iterator[Flaw]:
    """Tell each group of neighbours once. What is fetched may jump to an action whose id it can know."""
    del world
    if flow.graph.open:
        return
    fetches = any(step.type in ("fetch", "fetch_flow") for step in flow.reached())
    for group in groups(flow):
        reason = f"{told(group)} never run: {why(flow, group[0])}"
        fix = f"Jump here, remove {'it' if len(group) == 1 else 'them'}, or let the action before go on."
        aimed = fetches and any(parse_id(step.name) for step in group)
        yield (note if aimed else warning)(group[0].path, reason, fix)


def groups(flow: Template) -> Iterator[list[Step]]:
    """Yield neighbours that are not reached; an action whose id another one has is another rule's."""
    group: list[Step] = []
    seen = set()
    for step in flow.steps:
        twice = step.action.id in seen
        seen.add(step.action.id)
        if not flow.graph.reached[step.number] and not twice:
            group.append(step)
        elif group:
            yield group
            group = []
    if group:
        yield group


def told(group: list[Step]) -> str:
    """Return how a group is spoken of."""
    if len(group) == 1:
        return f"the action {group[0].type} is"
    return f"{len(group)} actions from here to {group[-1].told} are"


def why(flow: Template, step: Step) -> str:
    """Say why the flow does not come to an action by itself."""
    before = flow.steps[step.number - 1]
    if before.type == "stop":
        reason = "ends the flow"
    elif before.type in ("goto", "branch"):
        reason = "always jumps"
    elif before.action.next_id != NIL:
        reason = "goes on elsewhere by its next_id"
    else:
        reason = "is left by a jump"
    return f"{before.told} {reason}, and nothing jumps here"
