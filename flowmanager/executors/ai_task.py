"""`ai_task`: let an AI work without media until the service is over."""

from __future__ import annotations

from flowmanager.core.outcomes import Outcome, Push
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.ai_manager import assistance_of
from flowmanager.managers.managers import Managers
from flowmanager.schemas.options import AssistanceOption


@executor("ai_task", option=AssistanceOption, media=Media.NON_RTC)
def ai_task(task: Task, managers: Managers) -> Outcome:
    """Start the service and push its actions."""
    service = managers.ai.start_task(task.activeflow, assistance_of(task.option))
    return Push(service.id, service.push_actions)
