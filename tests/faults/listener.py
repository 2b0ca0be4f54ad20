"""Hears every event of flow-manager on a queue that survives everything, and writes it into the history."""

from __future__ import annotations

from contextlib import closing
from threading import Event, Thread
from time import monotonic

from flowmanager.errors import BrokerLost
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session
from flowmanager.transport.topology import declare_fanout
from tests.faults.history import History

PREFETCH = 100
REDIAL_SECONDS = 0.5


class Listener(Thread):
    """Consumes a durable queue that is bound to the exchange of our events."""

    def __init__(self, url: str, names: Names, history: History) -> None:
        super().__init__(name="listener", daemon=True)
        self.url, self.names, self.history = url, names, history
        self.queue = f"{names.prefix}.chaos.events"
        self.heard_at = monotonic()
        """When the latest event came."""
        self.bound = Event()
        self.stopping = Event()

    def run(self) -> None:
        """Listen over one connection after the other."""
        while not self.stopping.is_set():
            try:
                self.listen()
            except BrokerLost:
                self.stopping.wait(REDIAL_SECONDS)

    def listen(self) -> None:
        """Listen until told to stop. Raises BrokerLost."""
        with closing(Session(self.url, heartbeat=10)) as session:
            with session.guard():
                channel = session.channel()
                declare_fanout(channel, self.names.event)
                channel.queue_declare(self.queue, durable=True, auto_delete=False)
                channel.queue_bind(self.queue, self.names.event, "")
            inbox = Inbox(session, (self.queue,), prefetch=PREFETCH)
            self.bound.set()
            while not self.stopping.is_set():
                delivery = inbox.take(0.2)
                if delivery is None:
                    continue
                self.heard_at = monotonic()
                body = delivery.body.decode(errors="replace")
                self.history.add("event", message_id=delivery.message_id, body=body, again=delivery.redelivered)
                inbox.ack(delivery)

    def stop(self, *, quiet_seconds: float = 1.0, most_seconds: float = 10.0) -> None:
        """Stop when nothing has come for a while."""
        deadline = monotonic() + most_seconds
        while monotonic() - self.heard_at < quiet_seconds and monotonic() < deadline:
            self.stopping.wait(0.1)
        self.stopping.set()
        self.join(5)
