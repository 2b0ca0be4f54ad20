"""`external_media_stop`: stop all external media of the call."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError, at_once

external_media_stop = Executor(
    name="external_media_stop", media=Media.RTC, on_error=OnError.CONTINUE, kind=Kind.CALLER, completion=at_once
)
