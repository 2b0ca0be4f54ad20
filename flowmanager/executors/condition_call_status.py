"""`condition_call_status`: go on when the call has a status, else jump."""

from __future__ import annotations

from flowmanager.core.outcomes import Comparison, Continue, Jump, Outcome
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Text, Uuid
from flowmanager.schemas.options import Option


class ConditionCallStatusOption(Option):
    """The options of `condition_call_status`."""

    examples = ({"status": "progressing", "false_target_id": "goodbye"},)

    status = Text(about="The status that the call must have, such as `ringing`, `progressing` or `hangup`.")
    false_target_id = Uuid(about="Where it goes when the call has another one.")


@executor("condition_call_status", option=ConditionCallStatusOption, media=Media.RTC)
def condition_call_status(task: Task, managers: Managers) -> Outcome:
    """Ask call-manager for the status."""
    status = managers.call.get_call(task.activeflow.reference_id).get("status", "")
    wanted = task.option["status"]
    because = Comparison("status of the call", str(status), "==", wanted, status == wanted)
    return Continue(because=because) if because.result else Jump(task.option["false_target_id"], because=because)
