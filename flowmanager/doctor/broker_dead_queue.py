"""Whether messages lie in the dead queue, which nobody could handle."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.check import Finding, Server, check, doubtful, well
from flowmanager.patient import Patient
from flowmanager.words import plural


@check("broker-dead-queue", after="broker-queues", server=Server.RABBITMQ)
def broker_dead_queue(patient: Patient) -> Iterator[Finding]:
    """Count them."""
    queue = patient.names.dead
    if patient.refusal(lambda _, channel: channel.queue_declare(queue, passive=True)):
        yield well(f"{queue} does not exist yet")
        return
    with patient.broker() as session, session.guard():
        count = session.channel().queue_declare(queue, passive=True).message_count
    if count:
        yield doubtful(
            f"{plural(count, 'message')} in {queue} that nobody could handle",
            "look for message_parked in the log, then see `The dead queue` in docs/operations.md",
        )
    else:
        yield well(f"{queue} is empty")
