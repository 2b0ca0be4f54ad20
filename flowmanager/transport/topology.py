"""Declare what we need on the broker. Declaring again is harmless, so it is done on every new connection."""

from __future__ import annotations

from contextlib import closing
from threading import Lock
from typing import Any

import structlog

from flowmanager.errors import BrokerLost
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.session import Session

log = structlog.get_logger()

QUORUM_ARGUMENTS = {
    "x-queue-type": "quorum",
    # RabbitMQ 4 drops a message at its 20th return; a database that is away for minutes needs more. Not -1, which means
    # no limit there: RabbitMQ 3 takes it for a number and drops every message that is returned once.
    "x-delivery-limit": 1_000_000_000,
}

DELAY_TYPE = "x-delayed-message"
UNKNOWN_TYPE_CODES = (406, 503)
"""How RabbitMQ 4 and older ones refuse a type of exchange whose plugin is missing."""


class Topology:
    """Our queues, our event exchange, and the exchanges we listen to."""

    def __init__(self, *, names: Names = NAMES, quorum: bool = False, delay_type: str = DELAY_TYPE) -> None:
        """`quorum`: make our queues replicated ones."""
        self.names = names
        self._delay_type = delay_type
        self._arguments = QUORUM_ARGUMENTS if quorum else None
        self._delay_lock = Lock()
        self._delay_exists: bool | None = None

    def declare(self, session: Session) -> None:
        """Declare and bind everything. Raises BrokerLost, also when something exists with other properties."""
        with session.guard():
            channel = session.channel()
            self._declare_queues(channel)
            self._declare_exchanges(channel)
            channel.close()
        if not session.embedded:
            self._bind_delay(session)

    def _declare_queues(self, channel: Any) -> None:
        for queue in self.names.own:
            channel.queue_declare(queue, durable=True, auto_delete=False, arguments=self._arguments)

    def _declare_exchanges(self, channel: Any) -> None:
        declare_fanout(channel, self.names.event)
        for exchange in self.names.subscribed_exchanges:
            # Binding to an exchange that its owner has not declared yet would close the channel.
            declare_fanout(channel, exchange)
            channel.queue_bind(self.names.subscribe, exchange, "")

    def _bind_delay(self, session: Session) -> None:
        with self._delay_lock:
            if self._delay_exists is None:
                self._delay_exists = self._try_delay(session.url)
            elif self._delay_exists:
                self._declare_delay(session)

    def _try_delay(self, url: str) -> bool:
        # On a connection of its own: a broker without the plugin may close the whole connection.
        with closing(Session(url)) as attempt:
            try:
                self._declare_delay(attempt)
            except BrokerLost as lost:
                if getattr(lost.__cause__, "code", None) not in UNKNOWN_TYPE_CODES:
                    raise
                log.warning("delay_exchange_absent", exchange=self.names.delay, why=lost.facts["why"])
                return False
        return True

    def _declare_delay(self, session: Session) -> None:
        channel = session.channel()
        with session.guard():
            channel.exchange_declare(
                self.names.delay,
                self._delay_type,
                durable=True,
                auto_delete=False,
                arguments={"x-delayed-type": "direct"},
            )
            for queue in self.names.queues:
                channel.queue_bind(queue, self.names.delay, queue)


def declare_fanout(channel: Any, exchange: str) -> None:
    """Declare an event exchange."""
    channel.exchange_declare(exchange, "fanout", durable=True, auto_delete=False)
