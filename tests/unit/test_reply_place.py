"""Where somebody can wait for an answer: everywhere but at a made-up direct reply-to."""

from __future__ import annotations

from base64 import b64encode

import pytest

from flowmanager.transport.link import can_wait

PROCESS = b64encode(b"\x83X" + b"\x00\x0drabbit@server" + bytes(12)).decode()


@pytest.mark.parametrize("place", ["answers", "reply.7", f"amq.rabbitmq.reply-to.{PROCESS}.key=="])
def test_an_answer_can_be_sent(place: str) -> None:
    assert can_wait(place)


@pytest.mark.parametrize(
    "key", ["", "nobody", "nobody.key", f"{PROCESS}", f"{PROCESS}.", "Zm9v.key", f"{b64encode(bytes(40)).decode()}.key"]
)
def test_a_made_up_place_is_never_written_to(key: str) -> None:
    assert not can_wait(f"amq.rabbitmq.reply-to.{key}")
