"""`transcribe_stop`: stop the running transcription. Sent by ourselves: who asks `next` does not know how to."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.errors import InvalidRequest
from flowmanager.executor import Media, OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import parse_id

TRANSCRIBE_ID = "voipbin.transcribe.id"
"""Set by transcribe-manager when a transcription begins."""


@executor("transcribe_stop", media=Media.RTC, on_error=OnError.CONTINUE)
def transcribe_stop(task: Task, managers: Managers) -> Outcome:
    """Stop the transcription that the activeflow started last."""
    transcribe_id = parse_id(task.activeflow.variables.get(TRANSCRIBE_ID, ""))
    if transcribe_id is None:
        raise InvalidRequest("there is no transcription to stop", variable=TRANSCRIBE_ID)
    managers.transcribe.stop(transcribe_id)
    return Continue()
