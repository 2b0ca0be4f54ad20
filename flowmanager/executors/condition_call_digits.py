"""`condition_call_digits`: go on when the caller has pressed enough keys or a certain one, else jump."""

from __future__ import annotations

from flowmanager.core.outcomes import Comparison, Continue, Jump, Outcome
from flowmanager.core.variables import DIGITS
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Text, Uuid, Whole
from flowmanager.schemas.options import Option


class ConditionCallDigitsOption(Option):
    """`length`: enough keys, 0 does not count; `key`: keys in this order, empty does not count."""

    examples = ({"length": 4, "key": "#", "false_target_id": "ask again"},)

    length = Whole()
    key = Text()
    false_target_id = Uuid()


@executor("condition_call_digits", option=ConditionCallDigitsOption, media=Media.RTC)
def condition_call_digits(task: Task, managers: Managers) -> Outcome:
    """Ask call-manager for the keys."""
    length, key = task.option["length"], task.option["key"]
    digits = managers.call.get_digits(task.activeflow.reference_id)
    enough = length != 0 and len(digits) >= length
    found = key != "" and key in digits
    wanted = " or ".join([*([f"{length} keys"] if length else []), *([f"the keys {key}"] if key else [])])
    because = Comparison(DIGITS, digits, "has", wanted, enough or found)
    return Continue(because=because) if enough or found else Jump(task.option["false_target_id"], because=because)
