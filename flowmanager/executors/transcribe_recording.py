"""`transcribe_recording`: turn the call's recordings into text while the flow goes on."""

from __future__ import annotations

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.options import TranscribeOption


@executor("transcribe_recording", option=TranscribeOption, on_error=OnError.CONTINUE)
def transcribe_recording(task: Task, managers: Managers) -> Outcome:
    """Start it for each recording of the call; the first failure ends the action. Nothing else has recordings."""
    if task.activeflow.reference_type is ReferenceType.CALL:
        for recording_id in managers.call.get_recording_ids(task.activeflow.reference_id):
            managers.transcribe.start(task.activeflow, task.option, "recording", recording_id)
    return Continue()
