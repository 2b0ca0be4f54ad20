"""`ai_summary`: have an AI summarise a call, a conference, a transcription or a recording while the flow goes on."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Text, Uuid
from flowmanager.schemas.options import Option


class AiSummaryOption(Option):
    """The options of `ai_summary`."""

    examples = ({"reference_type": "call", "reference_id": "${voipbin.call.id}", "language": "en-US"},)

    on_end_flow_id = Uuid(about="The flow that is started with the summary.")
    reference_type = Text(about="What is summarised: `call`, `conference`, `transcribe` or `recording`.")
    reference_id = Uuid(about="Its id; it must be given, also when it is that of the activeflow.")
    language = Text(about="Language of the summary, such as `en-US`.")


@executor("ai_summary", option=AiSummaryOption, media=Media.NON_RTC)
def ai_summary(task: Task, managers: Managers) -> Outcome:
    """Start it."""
    managers.ai.start_summary(task.activeflow, task.option)
    return Continue()
