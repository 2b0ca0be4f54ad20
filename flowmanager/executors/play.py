"""`play`: play sounds on the call, one after the other."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError
from flowmanager.schemas.fields import Items, Text
from flowmanager.schemas.options import Option


class PlayOption(Option):
    """The options of `play`."""

    examples = ({"stream_urls": ["https://example.com/welcome.wav"]},)

    stream_urls = Items(Text(), about="Addresses of the sounds, played one after the other.")


play = Executor(name="play", option=PlayOption, media=Media.RTC, on_error=OnError.CONTINUE, kind=Kind.CALLER)
