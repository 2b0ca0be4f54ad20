"""kombu's AMQP transport, with repairs: what is written on a message can neither end a connection nor change the body,
and a silent network is not waited for.

A message whose properties cannot be decoded comes without them, marked by a header: it would break every connection
that it is delivered on, one after the other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ssl import SSLSocket
from typing import Any

from amqp.exceptions import AMQPError, UnexpectedFrame
from amqp.method_framing import frame_handler
from amqp.serialization import decode_properties_basic, dumps
from amqp.transport import SSLTransport, TCPTransport
from kombu.transport import pyamqp

from flowmanager.sockets import has_come, limit_reads
from flowmanager.transport.frames import END, FRAME
from flowmanager.transport.names import UNREADABLE
from flowmanager.transport.tls import context_of

Frame = tuple[int, int, bytes]
FRAME_BYTES = 8
"""Of each frame, beside what it carries: seven before, of which the last four tell its size, one after."""
READ_BYTES = 60_000
"""How much is read at once: py-amqp reads a message by nine calls of the system, each of which lets another thread of
ours take over; this makes one of them, for a fifth of the time of a message. Less than what the C library would ask the
system for each time (`memory.py`).
"""
HELD_BYTES = 262_144
"""What is written is kept up to this: the rest goes out at once."""
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
        if kind != HEADER_FRAME:
            return handle(frame)
        if has_body(payload):
            # Nothing is called yet: what fails is the decoding, after which py-amqp waits for the same frame.
            try:
                return handle(frame)
            except DECODING_ERRORS as error:
                return handle((kind, channel, marked(payload, told(error))))
        fault = fault_of(payload)
        return handle((kind, channel, marked(payload, fault)) if fault else frame)

    return on_frame


def fault_of(payload: bytes) -> str:
    """Return why a message's properties cannot be decoded; empty: they can."""
    try:
        decode_properties_basic(payload, FIXED_BYTES)
    except DECODING_ERRORS as error:
        return told(error)
    return ""


def told(error: Exception) -> str:
    """Return what a fault is called."""
    return repr(error)[:200]


def has_body(payload: bytes) -> bool:
    """Say whether a message's header announces a body."""
    return len(payload) >= FIXED_BYTES and any(payload[4:FIXED_BYTES])


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


class Thrifty:
    """A socket that is spoken to seldom: read as far as possible, and written to in one go where that can wait."""

    _quick_recv: Callable[[int], bytes]
    holding = False
    """Keep what is written, to be sent with what is written after it."""

    def _setup_transport(self) -> None:
        super()._setup_transport()  # type: ignore[misc]
        self._quick_recv = greedy(self._quick_recv)
        self._held: list[bytes] = []
        self._held_bytes = 0

    def write(self, data: Any) -> None:
        """Send, or keep for a moment."""
        if self.holding and self._held_bytes < HELD_BYTES:
            self._held.append(bytes(data))  # a copy: py-amqp uses its buffer again
            self._held_bytes += len(data)
            return
        if self._held:
            data = b"".join((*self._held, data))
            self._held, self._held_bytes = [], 0
        super().write(data)  # type: ignore[misc]

    def flush(self) -> None:
        """Send what was kept."""
        if self._held:
            self.holding = False
            self.write(b"")


class ThriftyTcp(Thrifty, TCPTransport):  # type: ignore[misc]
    """Without encryption: how long a read may take is for the system to see to."""

    _patience: float | None = None

    @contextmanager
    def having_timeout(self, timeout: float | None) -> Iterator[Any]:
        """Wait at most so long in the reads of the block. They raise TimeoutError."""
        if timeout is not None and timeout != self._patience:
            limit_reads(self.sock, timeout)
            self._patience = timeout
        yield self.sock


class ThriftySsl(Thrifty, SSLTransport):  # type: ignore[misc]
    """With TLS."""

    def _wrap_socket(self, sock: Any, **options: Any) -> Any:
        name = options.get("server_hostname")
        return context_of(options).wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)


def greedy(receive: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return a way to read that takes more than it is asked for; py-amqp keeps the rest."""

    def receive_more(count: int) -> bytes:
        try:
            return receive(max(count, READ_BYTES))
        except BlockingIOError:
            raise TimeoutError from None

    return receive_more


def pending(sock: Any) -> int:
    """Return how many bytes have been decrypted and not read."""
    return sock.pending() if isinstance(sock, SSLSocket) else 0


def has_frame(ahead: bytes) -> bool:
    """Say whether what has been read begins with a whole frame."""
    return len(ahead) >= FRAME_BYTES and len(ahead) >= FRAME_BYTES + int.from_bytes(ahead[3:7])


def first_frame(ahead: bytes) -> tuple[Frame, bytes]:
    """Return the first frame and what follows it. Raises UnexpectedFrame for one without an end."""
    kind, channel, size = FRAME.unpack_from(ahead)
    end = FRAME.size + size
    if ahead[end] != END:
        raise UnexpectedFrame(f"a frame ends with {ahead[end]:#x}")
    return (kind, channel, ahead[FRAME.size : end]), ahead[end + 1 :]


class AmqpConnection(pyamqp.Connection):
    """A connection of such channels."""

    Channel = AmqpChannel

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, frame_handler=tolerant_frames, **options)

    def Transport(  # noqa: N802
        self, host: str, connect_timeout: float, ssl: Any = False, *limits: Any, **options: Any
    ) -> Any:
        """Return the socket; py-amqp asks for it by this name."""
        kind = ThriftySsl if ssl else ThriftyTcp
        given = dict(zip(("read_timeout", "write_timeout", "socket_settings"), limits, strict=False))
        return kind(host, connect_timeout=connect_timeout, ssl=ssl, **given, **options)

    def blocking_read(self, timeout: float | None = None) -> Any:
        """Read one frame within a time. By its own limit py-amqp would wait for the rest of a broken frame for ever."""
        ahead = self.transport._read_buffer
        if has_frame(ahead):  # without a word to the socket
            frame, self.transport._read_buffer = first_frame(ahead)
            return self.on_inbound_frame(frame)
        return super().blocking_read(self.read_timeout if timeout is None else timeout)

    def has_come(self) -> bool:
        """Say whether there is something to read."""
        sock = self.transport.sock
        return has_frame(self.transport._read_buffer) or sock is None or bool(pending(sock)) or has_come(sock)

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
