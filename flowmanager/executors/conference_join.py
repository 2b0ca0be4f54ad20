"""`conference_join`: put the call into a conference until it leaves."""

from __future__ import annotations

from flowmanager.core.outcomes import Outcome, Push
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Uuid
from flowmanager.schemas.options import Option


class ConferenceJoinOption(Option):
    """The options of `conference_join`."""

    examples = ({"conference_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10"},)

    conference_id = Uuid(about="The conference.")


@executor("conference_join", option=ConferenceJoinOption, media=Media.RTC)
def conference_join(task: Task, managers: Managers) -> Outcome:
    """Start the service and push its actions."""
    service = managers.conference.start_conferencecall(task.activeflow, task.option["conference_id"])
    return Push(service.id, service.push_actions)
