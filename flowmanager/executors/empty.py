"""`empty`: nothing; services push it as a place to jump from."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import Task, executor


@executor("empty", public=False)
def empty(task: Task) -> Outcome:
    """Go on."""
    del task
    return Continue()
