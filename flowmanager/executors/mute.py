"""`mute`: mute the call in both directions. Sent by ourselves: who asks `next` does not know how to."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import Media, OnError, Task, executor
from flowmanager.managers.managers import Managers


@executor("mute", media=Media.RTC, on_error=OnError.CONTINUE)
def mute(task: Task, managers: Managers) -> Outcome:
    """Mute it."""
    managers.call.mute(task.activeflow.reference_id)
    return Continue()
