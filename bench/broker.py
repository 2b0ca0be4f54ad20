"""A plain connection to the broker."""

from __future__ import annotations

import amqp
from kombu import Connection


def connected(url: str) -> amqp.Connection:
    """Return an open connection."""
    address = Connection(url)
    connection = amqp.Connection(
        host=f"{address.hostname}:{address.port or 5672}",
        userid=address.userid or "guest",
        password=address.password or "guest",
        virtual_host=address.virtual_host or "/",
    )
    connection.connect()
    return connection
