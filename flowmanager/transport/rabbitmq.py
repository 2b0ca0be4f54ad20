"""kombu's AMQP transport, with repairs: what is written on a message can neither end a connection nor change the body,
and a silent network is not waited for.

A message whose properties cannot be decoded comes without them, marked by a header: it would break every connection
that it is delivered on, one after the other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from amqp.exceptions import AMQPError
from amqp.method_framing import frame_handler
from amqp.serialization import decode_properties_basic, dumps
from kombu.transport import pyamqp

from flowmanager.transport.names import UNREADABLE

Frame = tuple[int, int, bytes]
HEADER_FRAME = 2
FIXED_BYTES = 12
"""Class, weight and size of the body, before the properties."""
HAS_HEADERS = 0x2000
DECODING_ERRORS = (AMQPError, ArithmeticError, LookupError, OSError, RecursionError, ValueError, struct.error)


def tolerant_frames(connection: Any, callback: Callable[..., Any]) -> Callable[[Frame], bool]:
    """Return py-amqp's reader of frames, which sees only properties that it can decode."""
    handle: Callable[[Frame], bool] = frame_handler(connection, callback)

    def on_frame(frame: Frame) -> bool:
        kind, channel, payload = frame
        fault = fault_of(payload) if kind == HEADER_FRAME else ""
        return handle((kind, channel, marked(payload, fault)) if fault else frame)

    return on_frame


def fault_of(payload: bytes) -> str:
    """Return why a message's properties cannot be decoded; empty: they can."""
    try:
        decode_properties_basic(payload, FIXED_BYTES)
    except DECODING_ERRORS as error:
        return repr(error)[:200]
    return ""


def marked(payload: bytes, fault: str) -> bytes:
    """Return the header of a message with one property, the mark."""
    mark: bytes = dumps("F", [{UNREADABLE: fault}])
    return bytes(payload[:FIXED_BYTES]) + struct.pack(">H", HAS_HEADERS) + mark


class AmqpChannel(pyamqp.Channel):
    """A channel that hands messages on as they came."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # py-amqp would decode the body by the name of whatever codec the sender gives.
        self.auto_decode = False

    def message_to_python(self, raw_message: Any) -> Any:
        """Return the message itself; kombu would decompress a body that a header calls compressed, to any size."""
        return raw_message


class AmqpConnection(pyamqp.Connection):
    """A connection of such channels."""

    Channel = AmqpChannel

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, frame_handler=tolerant_frames, **options)

    def blocking_read(self, timeout: float | None = None) -> Any:
        """Read one frame within a time. By its own limit py-amqp would wait for the rest of a broken frame for ever."""
        return super().blocking_read(self.read_timeout if timeout is None else timeout)

    def drain_events(self, timeout: float | None = None) -> None:
        """Read one message or answer. Raises TimeoutError; at once where no time is given: py-amqp asks so before it
        publishes, and would spin on a frame of which only a part has arrived.
        """
        if timeout == 0:
            raise TimeoutError
        super().drain_events(timeout)


class AmqpTransport(pyamqp.Transport):
    """Connections without encryption."""

    Connection = AmqpConnection


class AmqpsTransport(pyamqp.SSLTransport):
    """Connections with TLS."""

    Connection = AmqpConnection
