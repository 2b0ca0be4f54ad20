"""A target that is no action of the flow."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.core.ids import FINISH, NEXT, NIL, START, Id
from flowmanager.lint.finding import Flaw, warning
from flowmanager.lint.graph import CONDITIONS, never_jumps
from flowmanager.lint.rule import rule
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.lint.world import World


@rule("dangling-target", "A target is no action of the flow.")
def dangling_target(flow: Template, world: World) -> Iterator[Flaw]:
    """Look up every `next_id` and every target; a flow that others fetch may jump into those."""
    known = {step.action.id for step in flow.steps} | {START} | world.around(flow)
    for step in flow.steps:
        yield from lost_next(step, known)
        for path, target in targets(step):
            if target not in known:
                yield lost_jump(step, path, target)


def lost_next(step: Step, known: set[Id]) -> Iterator[Flaw]:
    """Yield what is wrong with where an action goes on."""
    target = step.action.next_id
    if target not in known and target not in (NIL, FINISH):
        yield warning(
            f"{step.path}.next_id",
            f"no action has the id {target}: the flow ends here",
            f"Write the id of an action, leave next_id out to go on with the following one, or write {FINISH} to end."
            " If another flow fetches this one and has the action, check both together.",
        )


def targets(step: Step) -> Iterator[tuple[str, Id]]:
    """Yield path and id of each target that an action jumps to when it runs. A missing default is another rule's."""
    option, path = step.option, f"{step.path}.option"
    if step.torn:
        return
    if step.type == "goto" and not never_jumps(step) and not step.is_open("target_id"):
        yield f"{path}.target_id", option["target_id"]
    elif step.type == "branch":
        if not step.is_open("target_ids"):
            yield from ((f"{path}.target_ids.{value}", target) for value, target in option["target_ids"].items())
        if option["default_target_id"] != NIL:
            yield f"{path}.default_target_id", option["default_target_id"]
    elif step.type in CONDITIONS and option["false_target_id"] != NIL:
        yield f"{path}.false_target_id", option["false_target_id"]


def lost_jump(step: Step, path: str, target: Id) -> Flaw:
    """Return what is wrong with a target."""
    if target == NIL:
        reason, fix = f"this {step.type} has no target", "Write the id of the action to jump to."
    elif target in (FINISH, NEXT):
        reason, fix = f"{target} is no place to jump to", "Jump to a `stop` action to end the flow."
    else:
        reason = f"no action has the id {target}"
        fix = "Write the id of an action. If another flow fetches this one and has the action, check both together."
    return warning(path, f"{reason}: the flow ends with an error when it jumps", fix)
