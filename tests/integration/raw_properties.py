"""AMQP properties byte by byte: also those that no client library would write."""

from __future__ import annotations

from struct import pack
from typing import Any

import amqp

FLAGS = {
    "content_type": 0x8000,
    "content_encoding": 0x4000,
    "headers": 0x2000,
    "delivery_mode": 0x1000,
    "priority": 0x0800,
    "correlation_id": 0x0400,
    "reply_to": 0x0200,
    "expiration": 0x0100,
    "message_id": 0x0080,
    "timestamp": 0x0040,
    "type": 0x0020,
    "app_id": 0x0008,
}
"""In the order in which they are written."""


class RawMessage(amqp.Message):  # type: ignore[misc]  # amqp has no types
    """A message whose properties are given as bytes."""

    def __init__(self, body: bytes, given: dict[str, bytes]) -> None:
        super().__init__(body)
        flags = sum(FLAGS[name] for name in given)
        self.raw = pack(">H", flags) + b"".join(given[name] for name in FLAGS if name in given)

    def _serialize_properties(self) -> bytes:
        return self.raw


def short(text: bytes) -> bytes:
    """A short text."""
    return pack("B", len(text)) + text


def table(entries: dict[str, bytes]) -> bytes:
    """A table of headers; each value begins with the letter of its type."""
    written = b"".join(short(name.encode()) + value for name, value in entries.items())
    return pack(">I", len(written)) + written


def long(text: bytes) -> bytes:
    """A header that is a text."""
    return pack(">cI", b"S", len(text)) + text


def nested_table(levels: int) -> bytes:
    """Headers within headers."""
    written = table({})
    for _ in range(levels):
        written = table({"n": b"F" + written})
    return written


ALL_TYPES = table(
    {
        "bool": b"t\1",
        "int8": b"b\xff",
        "uint8": b"B\xff",
        "int16": b"s\xff\xff",
        "uint16": b"u\xff\xff",
        "int32": b"I\xff\xff\xff\xff",
        "uint32": b"i\xff\xff\xff\xff",
        "int64": b"l\xff\xff\xff\xff\xff\xff\xff\xff",
        "float": b"f\x7f\x7f\xff\xff",
        "double": b"d\x7f\xef\xff\xff\xff\xff\xff\xff",
        "decimal": b"D\xff\xff\xff\xff\xff",
        "text": long(b"x"),
        "no text": long(b"\xff\xfe"),
        "bytes": b"x\0\0\0\1\xff",
        "list": b"A\0\0\0\2t\1",
        "time": b"T\0\0\0\0\1\1\1\1",
        "void": b"V",
    }
)

STRANGE: dict[str, dict[str, bytes]] = {
    "content type of a picture": {"content_type": short(b"image/png")},
    "longest content type": {"content_type": short(b"x" * 255)},
    "content type of a pickle": {"content_type": short(b"application/x-python-serialize")},
    "content encoding gzip": {"content_encoding": short(b"gzip")},
    "content encoding UTF-16": {"content_encoding": short(b"utf-16")},
    "content encoding rot13": {"content_encoding": short(b"rot13")},
    "content encoding unknown": {"content_encoding": short(b"\xc3\xa9" * 100)},
    "headers of all types": {"headers": ALL_TYPES},
    "header that says compressed": {"headers": table({"compression": long(b"gzip")})},
    "header that says compressed, a number": {"headers": table({"compression": b"I\0\0\0\1"})},
    "headers of a retry": {"headers": table({"x-retry-count": long(b"many"), "x-delay": b"V"})},
    "header without a name": {"headers": table({"": b"V"})},
    "highest priority": {"priority": b"\xff"},
    "expiration": {"expiration": short(b"600000")},
    "last timestamp": {"timestamp": b"\xff" * 8},
    "longest ids": {"message_id": short(b"m" * 255), "correlation_id": short(b"c" * 255)},
    "longest type and app": {"type": short(b"t" * 255), "app_id": short(b"a" * 255)},
}
"""Odd, but nothing that a request could not be read for."""

UNREADABLE: dict[str, dict[str, bytes]] = {
    "correlation id of bytes": {"correlation_id": short(bytes(range(128, 144)))},
    "message id of bytes": {"message_id": short(b"\xff")},
    "content type of bytes": {"content_type": short(b"\xff")},
    "content encoding of bytes": {"content_encoding": short(b"\xff")},
    "app of bytes": {"app_id": short(b"\xc0\x80")},
    "time after all times in a header": {"headers": table({"t": b"T" + b"\x7f" + b"\xff" * 7})},
    "5000 tables within each other": {"headers": nested_table(5000)},
}
"""What the client library cannot decode."""


def message(body: bytes, reply_to: str, given: dict[str, bytes]) -> Any:
    """A request with such properties."""
    return RawMessage(body, {"reply_to": short(reply_to.encode()), **given})
