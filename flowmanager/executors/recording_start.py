"""`recording_start`: record the call while the flow goes on."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError, at_once
from flowmanager.schemas.fields import Flag, Text, Uuid, Whole
from flowmanager.schemas.options import Option


class RecordingStartOption(Option):
    """The options of `recording_start`."""

    examples = ({"format": "wav", "end_of_silence": 5, "end_of_key": "#", "duration": 600},)

    format = Text(about="Form of the file, such as `wav`.")
    end_of_silence = Whole(about="Seconds of silence that end it; 0: none do.")
    end_of_key = Text(about="The key that ends it: `none`, `any`, `*` or `#`.")
    duration = Whole(about="Seconds after which it ends; 0: no limit.")
    beep_start = Flag(about="Accepted, read by no manager.")
    on_end_flow_id = Uuid(about="The flow that is started when it has ended.")


recording_start = Executor(
    name="recording_start",
    option=RecordingStartOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    completion=at_once,
)
