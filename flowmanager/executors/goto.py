"""`goto`: jump to a target, at most `loop_count` times when that is given."""

from __future__ import annotations

from flowmanager.core.outcomes import Comparison, Continue, Jump, Outcome
from flowmanager.executor import Task, executor
from flowmanager.schemas.fields import Uuid, Whole
from flowmanager.schemas.options import Option


class GotoOption(Option):
    """The options of `goto`."""

    examples = ({"target_id": "menu", "loop_count": 3},)

    target_id = Uuid(about="Where it jumps to.")
    loop_count = Whole(
        load_default=None, about="How often it jumps before it goes on; absent: always; 0 or less: never."
    )


@executor("goto", option=GotoOption)
def goto(task: Task) -> Outcome:
    """Jump while the frame's counter of this goto is below `loop_count`, then fall through."""
    loop_count = task.option["loop_count"]
    frame = task.activeflow.stacks.frames[task.activeflow.cursor.stack_id]
    jumped = frame.goto_counts.get(task.action.id, 0)
    if loop_count is None:
        return Jump(task.option["target_id"], counted=True)
    because = Comparison("jumps so far", str(jumped), "<", str(loop_count), jumped < loop_count)
    if because.result:
        return Jump(task.option["target_id"], counted=True, because=because)
    return Continue(because=because)
