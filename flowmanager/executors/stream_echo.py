"""`stream_echo`: send the caller's media stream back for a time."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError
from flowmanager.schemas.options import EchoOption, echo_limit

stream_echo = Executor(
    name="stream_echo",
    option=EchoOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    limit=echo_limit,
)
