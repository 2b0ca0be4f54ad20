"""Whether the broker takes messages: it blocks publishers while its memory or its disk is nearly full."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any
from uuid import uuid4

from flowmanager.check import Finding, Server, check, well, wrong
from flowmanager.patient import Patient
from flowmanager.transport.session import Session

LISTEN_SECONDS = 1.0
"""The broker tells a publisher at once."""


@check("broker-alarms", after="broker", server=Server.RABBITMQ)
def broker_alarms(patient: Patient) -> Iterator[Finding]:
    """Publish a message to a queue that does not exist, and listen for a complaint."""
    reasons: list[str] = []

    def attempt(session: Session, channel: Any) -> None:
        channel.connection.on_blocked = reasons.append
        channel.basic_publish(channel.prepare_message(b""), "", f"nobody.{uuid4().hex}")
        until = monotonic() + LISTEN_SECONDS
        while not reasons and (left := until - monotonic()) > 0:
            session.drain(left)
        if reasons:
            # It would not read our farewell either.
            session.give_up("blocked")

    if patient.refusal(attempt):
        yield well("not known, since the user may not publish")
    elif reasons:
        yield wrong(
            f"the broker takes no messages: {reasons[0]}",
            "give it memory or disk: rabbitmq-diagnostics alarms; limits are vm_memory_high_watermark, disk_free_limit",
        )
    else:
        yield well("the broker takes messages")
