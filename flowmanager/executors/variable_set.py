"""`variable_set`: set a variable."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.core.variables import is_own
from flowmanager.errors import InvalidRequest
from flowmanager.executor import OnError, Task, executor
from flowmanager.schemas.fields import Text
from flowmanager.schemas.options import Option


class VariableSetOption(Option):
    """The options of `variable_set`."""

    examples = ({"key": "customer.tier", "value": "gold"},)

    key = Text(about="Name of the variable.")
    value = Text(about="What it is set to.")


@executor("variable_set", option=VariableSetOption, on_error=OnError.CONTINUE)
def variable_set(task: Task) -> Outcome:
    """Set it, unless the name belongs to the activeflow itself."""
    name = task.option["key"]
    if is_own(name):
        raise InvalidRequest("variable_set cannot set names under voipbin.activeflow.", key=name)
    return Continue({name: task.option["value"]})
