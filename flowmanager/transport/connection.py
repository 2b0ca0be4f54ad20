"""Which kombu transport a URL means, and its options: AMQP with and without TLS, in memory, in a folder."""

from __future__ import annotations

import os
import socket
from threading import current_thread
from typing import Any
from urllib.parse import unquote, urlsplit

from kombu import Connection

from flowmanager.errors import InvalidSetting
from flowmanager.transport.folder import FolderTransport
from flowmanager.transport.memory import MemoryTransport
from flowmanager.transport.names import SERVICE
from flowmanager.transport.rabbitmq import AmqpsTransport, AmqpTransport
from flowmanager.transport.tls import check_files, tls_of

CONNECT_SECONDS = 5
SILENCE_SECONDS = 10
"""How long the broker may take to answer a declaration or to accept bytes."""
POLL_SECONDS = 0.005
DRIVERS = {"amqp": AmqpTransport, "pyamqp": AmqpTransport, "amqps": AmqpsTransport}
EMBEDDED = ("memory", "filesystem")


def transport_for(url: str, *, heartbeat: int) -> Any:
    """Return the kombu transport, not connected yet. `heartbeat` in seconds, 0: none. Raises InvalidSetting."""
    connection = embedded_connection(url) if is_embedded(url) else amqp_connection(url, heartbeat)
    return connection.transport


def check_url(url: str) -> None:
    """Raise InvalidSetting for a URL nobody can connect to, and for files it names that cannot be used."""
    transport_for(url, heartbeat=0)
    if not is_embedded(url):
        check_files(tls_of(url) or {})


def is_embedded(url: str) -> bool:
    """Whether that URL needs no broker. Raises InvalidSetting for an unknown scheme, and for what is no URL."""
    scheme = scheme_of(url)
    if scheme not in DRIVERS and scheme not in EMBEDDED:
        raise InvalidSetting("the broker's URL must begin with amqp, amqps, memory or filesystem", scheme=scheme)
    return scheme in EMBEDDED


def scheme_of(url: str) -> str:
    """What a URL begins with. Raises InvalidSetting, which does not show the password."""
    try:
        parts = urlsplit(url)
        bool(parts.port)  # is read only when it is asked for
    except ValueError:
        form = "amqp://user:password@host:port/vhost, with / @ : # ? in user and password as %2F %40 %3A %23 %3F"
        raise InvalidSetting(f"the broker's URL cannot be read; its form is {form}") from None
    return parts.scheme


def amqp_connection(url: str, heartbeat: int) -> Any:
    parts = urlsplit(url)
    return Connection(
        parts._replace(query="").geturl(),
        transport=DRIVERS[parts.scheme],
        ssl=tls_of(url) or False,
        connect_timeout=CONNECT_SECONDS,
        heartbeat=heartbeat,
        transport_options={
            "read_timeout": SILENCE_SECONDS,
            "write_timeout": SILENCE_SECONDS,
            "socket_settings": socket_settings(),
            "client_properties": {"connection_name": connection_name()},
        },
    )


def connection_name() -> str:
    """What the broker's operators see."""
    return f"{SERVICE} {socket.gethostname()} {os.getpid()} {current_thread().name}"


def socket_settings() -> dict[int, int]:
    # py-amqp's default drops a connection after 1 s of lost packets.
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    return {} if option is None else {option: int(SILENCE_SECONDS * 1000)}


def embedded_connection(url: str) -> Any:
    parts = urlsplit(url)
    options: dict[str, Any] = {"polling_interval": POLL_SECONDS}
    if parts.scheme == "memory":
        return Connection("memory://", transport=MemoryTransport, transport_options=options)
    folder = unquote(parts.path)
    if not folder.strip("/"):
        raise InvalidSetting("a filesystem URL names a folder: filesystem:///var/run/flowmanager", url=url)
    return Connection("filesystem://", transport=FolderTransport, transport_options={**options, "folder": folder})
