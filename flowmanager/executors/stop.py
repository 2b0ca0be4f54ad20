"""`stop`: end the flow."""

from __future__ import annotations

from flowmanager.core.outcomes import Finish, Outcome
from flowmanager.executor import Task, executor


@executor("stop")
def stop(task: Task) -> Outcome:
    """End it."""
    del task
    return Finish()
