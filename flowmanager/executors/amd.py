"""`amd`: find out whether a person or a machine answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.executor import Completion, Executor, Kind, Media, OnError
from flowmanager.schemas.fields import Flag, Text
from flowmanager.schemas.options import Option


class AmdOption(Option):
    """The options of `amd`."""

    examples = ({"machine_handle": "hangup"},)

    machine_handle = Text(about="What is done when a machine answered: `hangup` or `continue`.")
    asynchronous = Flag(data_key="async", about="Go on at once, without the result.")


def completion(option: Mapping[str, Any]) -> Completion:
    """Return when it is complete: at once when nobody waits for the result."""
    return Completion.AT_ONCE if option["asynchronous"] else Completion.BY_EVENT


amd = Executor(
    name="amd",
    option=AmdOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    completion=completion,
)
