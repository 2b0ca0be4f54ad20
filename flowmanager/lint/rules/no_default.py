"""A decision without an else."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.core.ids import NIL
from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.graph import CONDITIONS
from flowmanager.lint.rule import rule
from flowmanager.lint.template import Template
from flowmanager.lint.world import World


@rule("no-default", "A branch or condition does not say where to go otherwise.")
def no_default(flow: Template, world: World) -> Iterator[Flaw]:
    """Look for absent targets."""
    del world
    for step in flow.steps:
        if step.torn:
            continue
        if step.type == "branch" and lacks(step.option["default_target_id"], step.is_open("default_target_id")):
            reason = "a value that is not among target_ids, such as none at all, ends the flow with an error"
            fix = "Write a default_target_id, such as the action that asks again."
            yield warning(f"{step.path}.option", f"this branch has no default: {reason}", fix)
        if step.type in CONDITIONS and lacks(step.option["false_target_id"], step.is_open("false_target_id")):
            reason = "when the condition is false, the flow ends with an error"
            fix = "Write a false_target_id. To go on in both cases, write the id of the following action."
            yield warning(f"{step.path}.option", f"this {step.type} has no false_target_id: {reason}", fix)


def lacks(target: str, is_open: bool) -> bool:
    """Say whether there is no target."""
    return target == NIL and not is_open
