"""Whether the broker can be reached with these credentials, on this virtual host, with the encryption that is asked."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from socket import gaierror
from typing import Any

from amqp.exceptions import AccessRefused, NotAllowed

from flowmanager.check import Finding, check, doubtful, well, wrong
from flowmanager.errors import BrokerLost
from flowmanager.patient import Patient
from flowmanager.transport.session import Session

EXPIRES_SOON = timedelta(days=14)
ADVICE: Mapping[type[BaseException], str] = {
    AccessRefused: "user or password in RABBITMQ_ADDRESS are wrong; rabbitmqctl authenticate_user USER tries them",
    NotAllowed: "the virtual host in RABBITMQ_ADDRESS does not exist, or the user has no permission there;"
    " rabbitmqctl list_vhosts, list_permissions",
    gaierror: "the host's name in RABBITMQ_ADDRESS is not known here",
    ConnectionRefusedError: "nobody listens at that host and port: does the broker run?",
    TimeoutError: "nobody answers at that host and port: look at network and firewall",
    ssl.SSLCertVerificationError: "the broker's certificate is not accepted: see cacertfile and"
    " server_name_indication in RABBITMQ_ADDRESS",
    ssl.SSLError: "TLS fails: amqps:// needs the broker's TLS port, usually 5671",
    ConnectionResetError: "the broker hangs up: is it the right port, with TLS or without? See the broker's log",
}
OTHERWISE = "see the broker's log"


@check("broker")
def broker(patient: Patient) -> Iterator[Finding]:
    """Connect."""
    if not patient.settings.rabbitmq_address:
        yield wrong("RABBITMQ_ADDRESS is not set", "an example: amqp://guest:guest@localhost:5672/")
    elif not patient.has_broker:
        yield well("messages go through files of this machine")
    else:
        yield from connect(patient)


def connect(patient: Patient) -> Iterator[Finding]:
    """Say what the broker is, or why there is no connection."""
    try:
        with patient.broker() as session:
            wire = session.channel().connection
            known = {key: wire.server_properties.get(key, "?") for key in ("product", "version")}
            yield well(
                f"{known['product']} {known['version']} at {patient.broker_place}, virtual host {patient.virtual_host},"
                f" {encryption(wire)}"
            )
            yield from expiry(session)
    except BrokerLost as lost:
        yield wrong(f"{patient.broker_place}: {words_of(lost)}", advice_for(lost.__cause__))


def words_of(lost: BrokerLost) -> str:
    """Return what the library says, without Python around it."""
    cause = lost.__cause__
    return str(cause) or type(cause).__name__


def advice_for(cause: BaseException | None) -> str:
    """Return what to do about a failed connection."""
    return next((advice for kind, advice in ADVICE.items() if isinstance(cause, kind)), OTHERWISE)


def encryption(wire: Any) -> str:
    """Return how a connection is encrypted."""
    socket = wire.transport.sock
    return f"encrypted with {socket.version()}" if isinstance(socket, ssl.SSLSocket) else "not encrypted"


def expiry(session: Session) -> Iterator[Finding]:
    """Say when the broker's certificate ends soon; one that was not checked is not known."""
    socket = session.channel().connection.transport.sock
    certificate = socket.getpeercert() if isinstance(socket, ssl.SSLSocket) else None
    if certificate:
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        if ends < datetime.now(UTC) + EXPIRES_SOON:
            yield doubtful(f"the broker's certificate ends at {ends:%Y-%m-%d %H:%M} UTC", "renew it before")
