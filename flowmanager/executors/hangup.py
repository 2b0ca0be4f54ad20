"""`hangup`: hang up the call; the event about that ends the flow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flowmanager.executor import Executor, Kind, Media, OnError
from flowmanager.schemas.fields import Text, Uuid
from flowmanager.schemas.options import Option

LONGEST = timedelta(seconds=30)
"""A hang-up takes less; an activeflow whose event was lost must not wait for ever."""


class HangupOption(Option):
    """The options of `hangup`."""

    examples = ({"reason": "normal"},)

    reason = Text(
        about="`normal`, `failed`, `busy`, `cancel`, `timeout`, `noanswer`, `dialout` or `amd`; empty: `normal`."
    )
    reference_id = Uuid(about="A call: when it is over, its reason counts instead.")


def hangup_limit(option: Mapping[str, Any]) -> timedelta | None:
    """Return how long the event is waited for."""
    del option
    return LONGEST


hangup = Executor(
    name="hangup",
    option=HangupOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    limit=hangup_limit,
)
