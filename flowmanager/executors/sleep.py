"""`sleep`: wait for a time. It needs no media: a durable timer of our own, unless the caller asked for the action."""

from __future__ import annotations

from datetime import timedelta

from flowmanager.core.activeflow import Driver
from flowmanager.core.outcomes import Continue, Hold, Outcome
from flowmanager.executor import Executor, Kind, OnError, Task
from flowmanager.schemas.fields import Milliseconds
from flowmanager.schemas.options import Option


class SleepOption(Option):
    """The options of `sleep`."""

    examples = ({"duration": 30000},)

    duration = Milliseconds(about="Milliseconds.")


def sleep_here(task: Task) -> Outcome:
    """Set the timer."""
    duration = timedelta(milliseconds=task.option["duration"])
    return Hold(Driver.TIMER, duration) if duration > timedelta() else Continue()


sleep = Executor(name="sleep", option=SleepOption, on_error=OnError.CONTINUE, kind=Kind.CALLER, run=sleep_here)
