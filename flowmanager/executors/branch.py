"""`branch`: jump to the target that belongs to the value of a variable."""

from __future__ import annotations

from flowmanager.core.ids import NIL
from flowmanager.core.outcomes import Comparison, Jump, Outcome
from flowmanager.core.variables import DIGITS
from flowmanager.errors import TargetNotFound
from flowmanager.executor import Task, executor
from flowmanager.schemas.fields import Named, Text, Uuid
from flowmanager.schemas.options import Option


class BranchOption(Option):
    """A value that is neither in `target_ids` nor has a default ends the flow. The variable is emptied."""

    examples = (
        {"variable": "voipbin.call.digits", "target_ids": {"1": "sales", "2": "support"}, "default_target_id": "menu"},
    )

    variable = Text(about="Name of the variable, not a placeholder; empty: `voipbin.call.digits`.")
    default_target_id = Uuid(about="Where every other value goes.")
    target_ids = Named(Uuid(), about="Where each value goes, by the whole value as it is written.")


@executor("branch", option=BranchOption)
def branch(task: Task) -> Outcome:
    """Jump by the variable's value and empty the variable: the next branch waits for a new value."""
    name = task.option["variable"] or DIGITS
    value = task.activeflow.variables.get(name, "")
    target_id = task.option["target_ids"].get(value, task.option["default_target_id"])
    if target_id == NIL:
        raise TargetNotFound("branch has no target for the value and no default target", variable=name, value=value)
    choices = task.option["target_ids"]
    because = Comparison(name, value, "is one of", ", ".join(sorted(choices)), value in choices)
    return Jump(target_id, {name: ""}, because=because)
