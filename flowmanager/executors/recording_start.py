"""`recording_start`: record the call while the flow goes on."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError, at_once
from flowmanager.schemas.fields import Flag, Text, Uuid, Whole
from flowmanager.schemas.options import Option


class RecordingStartOption(Option):
    """`end_of_silence` and `duration`: seconds; `end_of_key`: `none`, `any`, `*` or `#`; `beep_start`: unused."""

    examples = ({"format": "wav", "end_of_silence": 5, "end_of_key": "#", "duration": 600},)

    format = Text()
    end_of_silence = Whole()
    end_of_key = Text()
    duration = Whole()
    beep_start = Flag()
    on_end_flow_id = Uuid()


recording_start = Executor(
    name="recording_start",
    option=RecordingStartOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    completion=at_once,
)
