"""`digits_receive`: collect key presses until there are enough, an end key comes, or the time is up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flowmanager.core.activeflow import Driver
from flowmanager.core.outcomes import Continue, Hold, Outcome
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.variables import DIGITS
from flowmanager.executor import Executor, Kind, Media, OnError, Task, done_by_signal
from flowmanager.schemas.fields import Milliseconds, Text, Whole
from flowmanager.schemas.options import Option


class DigitsReceiveOption(Option):
    """It ends with whatever comes first. The keys are in `voipbin.call.digits`."""

    examples = ({"duration": 5000, "length": 1},)

    duration = Milliseconds(about="Milliseconds to wait for all of them; 0: an hour.")
    length = Whole(about="So many keys end it; 0: any number.")
    key = Text(about="Each of these keys ends it, and is kept.")


def digits_limit(option: Mapping[str, Any]) -> timedelta | None:
    """Return how long digits are waited for."""
    return timedelta(milliseconds=option["duration"]) if option["duration"] > 0 else None


def complete(option: Mapping[str, Any], digits: str) -> bool:
    """Say whether the digits received so far are enough."""
    return 0 < option["length"] <= len(digits) or any(digit in option["key"] for digit in digits)


def on_digit(task: Task, signal: Signal) -> Outcome | None:
    """Append a digit; the action is done when the digits are enough."""
    if signal.kind is not SignalKind.DIGIT:
        return done_by_signal(task, signal)
    digits = task.activeflow.variables.get(DIGITS, "") + signal.text
    if complete(task.option, digits):
        return Continue({DIGITS: digits})
    return Hold(Driver.PUSH, None, {DIGITS: digits})


digits_receive = Executor(
    name="digits_receive",
    option=DigitsReceiveOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    limit=digits_limit,
    on_signal=on_digit,
)
