"""`digits_send`: send key presses to the other end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flowmanager.executor import Executor, Kind, Media, OnError
from flowmanager.schemas.fields import Milliseconds, Text
from flowmanager.schemas.options import Option


class DigitsSendOption(Option):
    """The options of `digits_send`."""

    examples = ({"digits": "1234#", "duration": 500, "interval": 500},)

    digits = Text(about="The keys: `0` to `9`, `*`, `#`.")
    duration = Milliseconds(about="Milliseconds of each tone.")
    interval = Milliseconds(about="Milliseconds between two tones.")


def digits_limit(option: Mapping[str, Any]) -> timedelta | None:
    """Return how long all tones and the pauses between them take."""
    tones = min(len(option["digits"]), MOST_DIGITS)
    took = option["duration"] * tones + option["interval"] * (tones - 1)
    return timedelta(milliseconds=took) if took > 0 else None


MOST_DIGITS = 1000
"""More tones do not make the time longer: a date must not overflow."""

digits_send = Executor(
    name="digits_send",
    option=DigitsSendOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    limit=digits_limit,
)
