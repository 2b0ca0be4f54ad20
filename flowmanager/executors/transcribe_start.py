"""`transcribe_start`: turn the call's speech into text while the flow goes on."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import Media, OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.options import TranscribeOption


@executor("transcribe_start", option=TranscribeOption, media=Media.RTC, on_error=OnError.CONTINUE)
def transcribe_start(task: Task, managers: Managers) -> Outcome:
    """Start it for the call."""
    managers.transcribe.start(task.activeflow, task.option, "call", task.activeflow.reference_id)
    return Continue()
