"""`answer`: answer the call."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError, at_once

answer = Executor(name="answer", media=Media.RTC, on_error=OnError.CONTINUE, kind=Kind.CALLER, completion=at_once)
