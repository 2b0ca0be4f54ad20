"""`recording_stop`: stop the call's recording."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError, at_once

recording_stop = Executor(
    name="recording_stop", media=Media.RTC, on_error=OnError.CONTINUE, kind=Kind.CALLER, completion=at_once
)
