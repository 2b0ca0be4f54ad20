"""`block`: wait until a request resumes the flow."""

from __future__ import annotations

from flowmanager.core.outcomes import Block, Outcome
from flowmanager.executor import Media, Task, executor


@executor("block", media=Media.NON_RTC)
def block(task: Task) -> Outcome:
    """Wait."""
    del task
    return Block()
