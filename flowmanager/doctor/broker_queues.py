"""Whether our queues and our exchange are there, of the type that is set, with somebody who takes what comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowmanager.check import Finding, Server, check, doubtful, well, wrong
from flowmanager.patient import Patient
from flowmanager.transport.session import Session
from flowmanager.transport.topology import QUORUM_ARGUMENTS

DEEP = 100
"""Messages that wait: workers that keep up leave none."""
RETYPE = "set FLOWMANAGER_QUORUM_QUEUES as the queue is; or stop all workers, empty and delete it, and start them"


@check("broker-queues", after="broker-permissions", server=Server.RABBITMQ)
def broker_queues(patient: Patient) -> Iterator[Finding]:
    """Look at each."""
    names = patient.names
    ours = names.own
    missing = [queue for queue in ours if not exists(patient, queue)]
    if len(missing) == len(ours):
        yield doubtful("none of our queues exists", "nothing was ever served here: start `flowmanager serve`")
        return
    for queue in missing:
        yield wrong(f"{queue} does not exist, others do", "somebody deleted it: restart a worker, which declares it")
    kind = "quorum" if patient.settings.quorum_queues else "classic"
    found = [finding for queue in ours if queue not in missing for finding in look_at(patient, queue)]
    yield from found or [well(f"all queues are there, {kind}, and somebody takes from them")]
    if patient.refusal(lambda _, channel: channel.exchange_declare(names.event, "fanout", durable=True, passive=True)):
        yield wrong(f"the exchange {names.event} does not exist", "restart a worker, which declares it")


def exists(patient: Patient, queue: str) -> bool:
    """Say whether a queue is there."""
    return patient.refusal(lambda _, channel: channel.queue_declare(queue, passive=True)) is None


def look_at(patient: Patient, queue: str) -> Iterator[Finding]:
    """Say what is wrong with a queue that exists."""
    if lost := patient.refusal(lambda _, channel: declare_again(patient, channel, queue)):
        yield wrong(f"{queue} has another type: {getattr(lost.__cause__, 'reply_text', lost)}", RETYPE)
    if queue == patient.names.dead:
        return
    with patient.broker() as session:
        yield from traffic(session, queue)


def declare_again(patient: Patient, channel: Any, queue: str) -> None:
    """Declare a queue that exists as a worker does, which changes nothing and tells a difference."""
    arguments = QUORUM_ARGUMENTS if patient.settings.quorum_queues else None
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)


def traffic(session: Session, queue: str) -> Iterator[Finding]:
    """Say when nobody takes messages from a queue, or not fast enough."""
    with session.guard():
        seen = session.channel().queue_declare(queue, passive=True)
    if not seen.consumer_count:
        yield doubtful(f"nobody takes from {queue}; {seen.message_count} messages wait", "start `flowmanager serve`")
    elif seen.message_count > DEEP:
        yield doubtful(
            f"{seen.message_count} messages wait in {queue} for {seen.consumer_count} consumers",
            "workers do not keep up: look at the other findings and at slow peers, then start more workers",
        )
