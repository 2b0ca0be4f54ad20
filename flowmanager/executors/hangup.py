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
    """`reason`: empty means normal; `reference_id`: the call whose cause is passed on."""

    examples = ({"reason": "normal"},)

    reason = Text()
    reference_id = Uuid()


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
