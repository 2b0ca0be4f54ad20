"""Two actions with one id."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.world import World


@rule("duplicate-id", "Two actions have the same id: the second is never run.")
def duplicate_id(flow: Template, world: World) -> Iterator[Flaw]:
    """Find ids that were there before. A name that is used twice is refused anyway."""
    del world
    first: dict[str, Step] = {}
    for step in flow.steps:
        earlier = first.setdefault(step.action.id, step)
        if earlier is not step:
            reason = f"{earlier.told} has this id too: wherever the flow should come here, it runs that one"
            yield warning(f"{step.path}.id", reason, "Give this action an id of its own, or leave the id out.")
