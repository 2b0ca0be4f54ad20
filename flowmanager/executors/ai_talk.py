"""`ai_talk`: let an AI talk with the caller until the service is over."""

from __future__ import annotations

from flowmanager.core.outcomes import Outcome, Push
from flowmanager.executor import Task, executor
from flowmanager.managers.ai_manager import assistance_of
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Whole
from flowmanager.schemas.options import AssistanceOption


class AiTalkOption(AssistanceOption):
    """The options of `ai_talk`."""

    examples = ({"assistance_type": "ai", "assistance_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10"},)

    duration = Whole(about="Seconds; accepted, read by no manager.")


@executor("ai_talk", option=AiTalkOption)
def ai_talk(task: Task, managers: Managers) -> Outcome:
    """Start the service and push its actions."""
    service = managers.ai.start_aicall(task.activeflow, assistance_of(task.option))
    return Push(service.id, service.push_actions)
