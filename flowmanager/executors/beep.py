"""`beep`: play a beep on the call."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError

beep = Executor(name="beep", media=Media.RTC, on_error=OnError.CONTINUE, kind=Kind.CALLER)
