"""A goto that makes no difference."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.lint.finding import Flaw, note, warning
from flowmanager.lint.graph import END, never_jumps
from flowmanager.lint.rule import rule
from flowmanager.lint.template import Template
from flowmanager.lint.world import World


@rule("goto-never", "A goto never jumps, or only to where the flow goes anyway.")
def goto_never(flow: Template, world: World) -> Iterator[Flaw]:
    """Look at the count and at the target."""
    del world
    for step in flow.steps:
        if step.type != "goto" or step.torn or step.is_open("target_id") or step.is_open("loop_count"):
            continue
        after, jumps = flow.graph.after[step.number], flow.graph.jumps[step.number]
        if never_jumps(step):
            reason = f"loop_count {step.option['loop_count']} means that this goto never jumps"
            fix = "Write how often it should jump, or leave loop_count out to jump always."
            yield warning(f"{step.path}.option.loop_count", reason, fix)
        elif after != END and jumps == (after,):
            reason = f"the flow goes on with {flow.steps[after].told} anyway"
            yield note(f"{step.path}.option.target_id", reason, "Remove the goto, or write another target.")
