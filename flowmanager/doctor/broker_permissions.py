"""Whether the user may do on the broker what a worker does.

Each attempt is made invalid on purpose, in a part that RabbitMQ looks at after the permission: so a refusal tells, and
nothing is done. The broker's log has a line for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flowmanager.check import Finding, Server, check, well, wrong
from flowmanager.patient import Patient, code_of
from flowmanager.transport.session import Session

REFUSED = 403
ANSWER_SECONDS = 2.0

Attempt = Callable[[Session, Any], None]


@check("broker-permissions", after="broker", server=Server.RABBITMQ)
def broker_permissions(patient: Patient) -> Iterator[Finding]:
    """Try to declare, to take and to send."""
    names = patient.names
    attempts: dict[str, Attempt] = {
        f"configure {names.request}": declare(names.request),
        f"read {names.request}": take(names.request),
        f"write {names.event}": send(names.event),
        "write amq.default": send(""),
    }
    missing = [name for name, attempt in attempts.items() if refused(patient, attempt)]
    for name in missing:
        yield wrong(f"the user may not {name}", advice(patient))
    if not missing:
        yield well("the user may configure, write and read what is needed")


def refused(patient: Patient, attempt: Attempt) -> bool:
    """Say whether the user may not do that; what does not exist yet counts as allowed."""
    lost = patient.refusal(attempt)
    return lost is not None and code_of(lost) == REFUSED


def advice(patient: Patient) -> str:
    """Return how to give the permissions."""
    prefix = patient.names.prefix.replace(".", r"\.")
    return (
        f"rabbitmqctl set_permissions -p {patient.virtual_host} USER"
        rf" '^{prefix}\.' '^({prefix}\.|amq\.default$)' '^{prefix}\.'"
    )


def declare(queue: str) -> Attempt:
    """Return the attempt to make a queue, whose messages would live for less than no time."""
    return lambda _, channel: channel.queue_declare(queue, durable=True, arguments={"x-message-ttl": -1})


def take(queue: str) -> Attempt:
    """Return the attempt to consume, with a word as priority."""
    return lambda _, channel: channel.basic_consume(queue, arguments={"x-priority": "none"})


def send(exchange: str) -> Attempt:
    """Return the attempt to publish, with a word as expiration."""

    def attempt(session: Session, channel: Any) -> None:
        channel.confirm_select()
        # A broker that blocks publishers would not read our farewell either.
        channel.connection.on_blocked = session.give_up
        message = channel.prepare_message(b"", properties={"expiration": "none"})
        channel.basic_publish(message, exchange, "", mandatory=True)
        session.drain(ANSWER_SECONDS)

    return attempt
