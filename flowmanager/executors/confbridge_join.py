"""`confbridge_join`: put the call into a bridge until it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flowmanager.executor import Executor, Kind, Media, OnError
from flowmanager.schemas.fields import Uuid
from flowmanager.schemas.options import Option

LONGEST = timedelta(hours=24)
"""People may talk for long; an activeflow whose event was lost must not wait for ever."""


class ConfbridgeJoinOption(Option):
    """`confbridge_id`: the bridge."""

    confbridge_id = Uuid()


def bridge_limit(option: Mapping[str, Any]) -> timedelta | None:
    """Return how long the call may stay in the bridge."""
    del option
    return LONGEST


confbridge_join = Executor(
    name="confbridge_join",
    option=ConfbridgeJoinOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    limit=bridge_limit,
)
