"""Frames written by ourselves are those that the library would write."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from amqp.basic_message import Message
from amqp.exceptions import AMQPError
from amqp.method_framing import frame_writer
from amqp.serialization import dumps
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.transport.envelope import Letter
from flowmanager.transport.frames import acknowledgement, framed, message_frames
from flowmanager.transport.rabbitmq import first_frame

FRAME_MAX = 4096
NAMES = some.text(max_size=60)
LETTERS = some.builds(
    Letter,
    body=some.binary(max_size=200) | some.integers(FRAME_MAX - 100, FRAME_MAX).map(bytes),
    routing_key=NAMES,
    exchange=NAMES,
    mandatory=some.booleans(),
    properties=some.fixed_dictionaries(
        {},
        optional={
            "delivery_mode": some.sampled_from([1, 2]),
            "correlation_id": NAMES,
            "reply_to": NAMES,
            "message_id": NAMES,
        },
    ),
)


def by_library(channel: int, method: tuple[int, int], arguments: bytes, content: Any = None) -> bytes:
    """What py-amqp writes."""
    written: list[bytes] = []
    connection = SimpleNamespace(frame_max=FRAME_MAX, bytes_sent=0)
    transport = SimpleNamespace(write=lambda data: written.append(bytes(data)))
    frame_writer(connection, transport)(1, channel, method, arguments, content)
    return b"".join(written)


def library_message(channel: int, letter: Letter) -> bytes:
    arguments = dumps("Bssbb", (0, letter.exchange, letter.routing_key, letter.mandatory, False))
    content = Message(letter.body, content_type="text/plain", **letter.properties)
    return by_library(channel, (60, 40), arguments, content)


@given(some.integers(1, 65_535), LETTERS)
def test_a_message_is_written_as_the_library_would(channel: int, letter: Letter) -> None:
    """Bit by bit; what does not fit into a frame is left to it."""
    frames = message_frames(channel, letter, FRAME_MAX)
    if len(letter.body) > FRAME_MAX - 8:
        assert frames is None
    else:
        assert frames == library_message(channel, letter)


@pytest.mark.parametrize(
    "letter",
    [
        Letter(body=b"x", headers={"x-reason": "no"}),
        Letter(body=b"x", properties={"expiration": "5"}),
        Letter(body=b"x", properties={"correlation_id": "k" * 256}),
        Letter(body=b"x", routing_key="k" * 256),
        Letter(body=b"x", properties={"message_id": 5}),
        Letter(body=b"x", routing_key="\ud800"),
        Letter(body=bytes(FRAME_MAX - 7)),
    ],
)
def test_what_is_left_to_the_library(letter: Letter) -> None:
    """Which writes it, or says what is wrong."""
    assert message_frames(1, letter, FRAME_MAX) is None


@given(some.integers(1, 65_535), some.integers(1, 2**63 - 1))
def test_an_acknowledgement_is_written_as_the_library_would(channel: int, tag: int) -> None:
    assert acknowledgement(channel, tag) == by_library(channel, (60, 80), dumps("Lb", (tag, False)))


@given(some.integers(1, 8), some.integers(0, 65_535), some.binary(max_size=300), some.binary(max_size=50))
def test_a_frame_is_read_as_it_was_written(kind: int, channel: int, payload: bytes, rest: bytes) -> None:
    assert first_frame(framed(kind, channel, payload) + rest) == ((kind, channel, payload), rest)


def test_a_frame_without_its_end_breaks_the_connection() -> None:
    """It is no AMQP, or bytes were lost."""
    broken = framed(1, 1, b"abc")[:-1] + b"\x00"
    with pytest.raises(AMQPError):
        first_frame(broken + framed(1, 1, b""))
