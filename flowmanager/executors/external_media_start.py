"""`external_media_start`: connect the call's media with a server of the customer."""

from __future__ import annotations

from flowmanager.executor import Executor, Kind, Media, OnError, at_once
from flowmanager.schemas.fields import Text
from flowmanager.schemas.options import Option


class ExternalMediaStartOption(Option):
    """They are passed on to call-manager as they are."""

    examples = (
        {"external_host": "media.example.com:8090", "encapsulation": "rtp", "transport": "udp", "format": "ulaw"},
    )

    external_host = Text(about="Where the media go: host:port.")
    encapsulation = Text(about="How they are wrapped: `rtp`, `audiosocket` or `none`.")
    transport = Text(about="How they are carried: `udp`, `tcp` or `websocket`.")
    transport_data = Text(about="What the transport needs besides.")
    connection_type = Text(about="Who connects: `client` or `server`.")
    format = Text(about="How they are coded, such as `ulaw`.")
    direction_listen = Text(about="Which side is heard: `in`, `out` or `both`.")
    direction_speak = Text(about="Which side is spoken to: `in`, `out` or `both`.")
    data = Text(about="Accepted, read by no manager.")


external_media_start = Executor(
    name="external_media_start",
    option=ExternalMediaStartOption,
    media=Media.RTC,
    on_error=OnError.CONTINUE,
    kind=Kind.CALLER,
    completion=at_once,
)
