"""Whether the broker has the plugin for delayed messages, which the platform's senders may use."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.check import Finding, Server, check, well
from flowmanager.patient import Patient, code_of
from flowmanager.transport.topology import DELAY_TYPE

UNKNOWN = "unknown exchange type"
REFUSED = 403


@check("broker-delay", after="broker", server=Server.RABBITMQ)
def broker_delay(patient: Patient) -> Iterator[Finding]:
    """Declare an exchange that exists with the plugin's type: which of two errors comes tells whether it is known."""
    lost = patient.refusal(
        lambda _, channel: channel.exchange_declare("amq.fanout", DELAY_TYPE, durable=True, auto_delete=False)
    )
    if lost is not None and UNKNOWN in str(lost):
        yield well(
            f"no delayed-message plugin; only senders that use the exchange {patient.names.delay} need it"
            " (rabbitmq-plugins enable rabbitmq_delayed_message_exchange)"
        )
    elif lost is not None and code_of(lost) == REFUSED:
        yield well(
            "the user may not ask for the delayed-message plugin; a worker logs delay_exchange_absent without it"
        )
    else:
        yield well("the broker has the delayed-message plugin")
