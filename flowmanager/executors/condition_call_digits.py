"""`condition_call_digits`: go on when the caller has pressed enough keys or a certain one, else jump."""

from __future__ import annotations

from flowmanager.core.outcomes import Comparison, Continue, Jump, Outcome
from flowmanager.core.variables import DIGITS
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Text, Uuid, Whole
from flowmanager.schemas.options import Option


class ConditionCallDigitsOption(Option):
    """True when either holds."""

    examples = ({"length": 4, "key": "#", "false_target_id": "ask again"},)

    length = Whole(about="So many keys or more were pressed; 0: this does not count.")
    key = Text(about="These keys were pressed one after the other; empty: this does not count.")
    false_target_id = Uuid(about="Where it goes when neither holds.")


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
