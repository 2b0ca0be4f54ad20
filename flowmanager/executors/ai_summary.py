"""`ai_summary`: have an AI summarise a call, a conference, a transcription or a recording while the flow goes on."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Text, Uuid
from flowmanager.schemas.options import Option


class AiSummaryOption(Option):
    """What to summarise, in which language, and the flow to start with the summary."""

    examples = ({"reference_type": "call", "reference_id": "${voipbin.call.id}", "language": "en-US"},)

    on_end_flow_id = Uuid()
    reference_type = Text()
    reference_id = Uuid()
    language = Text()


@executor("ai_summary", option=AiSummaryOption, media=Media.NON_RTC)
def ai_summary(task: Task, managers: Managers) -> Outcome:
    """Start it."""
    managers.ai.start_summary(task.activeflow, task.option)
    return Continue()
