"""`talk`: say a text on the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.variables import DIGITS
from flowmanager.executor import Completion, Executor, Kind, Media, OnError, Task, done_by_signal
from flowmanager.schemas.fields import Flag, Text
from flowmanager.schemas.options import Option


class TalkOption(Option):
    """The options of `talk`."""

    examples = ({"text": "Hello ${customer.name}.", "language": "en-US"},)

    text = Text(about="What is said.")
    language = Text(about="Language of the voice, such as `en-US`.")
    provider = Text(about="Who makes the voice: `gcp` or `aws`; empty: any.")
    voice_id = Text(about="The voice, by its name at the provider; empty: any of the language.")
    digits_handle = Text(about="`next`: a key press ends it and is kept; empty: it is said to its end.")
    asynchronous = Flag(data_key="async", about="Go on at once, while the text is said.")


def on_event(task: Task, signal: Signal) -> Outcome | None:
    """End the talk at the first key press when that is wanted."""
    if signal.kind is SignalKind.DIGIT and task.option["digits_handle"] == "next":
        return Continue({DIGITS: signal.text})
    return done_by_signal(task, signal)


def completion(option: Mapping[str, Any]) -> Completion:
    """Return when the talk is complete: at once when nobody waits for its end."""
    return Completion.AT_ONCE if option["asynchronous"] else Completion.BY_EVENT


talk = Executor(
    name="talk",
    option=TalkOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    completion=completion,
    on_signal=on_event,
)
