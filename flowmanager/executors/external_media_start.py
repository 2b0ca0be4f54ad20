"""`external_media_start`: connect the call's media with a server of the customer."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError, at_once
from flowmanager.schemas.fields import Text
from flowmanager.schemas.options import Option


class ExternalMediaStartOption(Option):
    """Where the media go and how; `data`: nobody reads it."""

    examples = (
        {"external_host": "media.example.com:8090", "encapsulation": "rtp", "transport": "udp", "format": "ulaw"},
    )

    external_host = Text()
    encapsulation = Text()
    transport = Text()
    transport_data = Text()
    connection_type = Text()
    format = Text()
    direction_listen = Text()
    direction_speak = Text()
    data = Text()


external_media_start = Executor(
    name="external_media_start",
    option=ExternalMediaStartOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    completion=at_once,
)
