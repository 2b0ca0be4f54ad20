"""Take messages from queues, one after the other, acknowledged when they are dealt with."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from flowmanager.transport.envelope import Delivery, read_delivery
from flowmanager.transport.names import SERVICE
from flowmanager.transport.session import Session


class Inbox:
    """A consumer of one or more queues on a channel of its own. Methods raise BrokerLost."""

    def __init__(self, session: Session, queues: Sequence[str], *, prefetch: int = 1) -> None:
        """Begin to consume. Raises BrokerLost when a queue does not exist."""
        self._session = session
        self._waiting: deque[Delivery] = deque()
        self.channel = session.channel()
        """What the messages come from and are acknowledged on."""
        with session.guard():
            self.channel.basic_qos(0, prefetch, False)
            self._tags = [self._consume(queue) for queue in queues]

    def _consume(self, queue: str) -> str:
        tag = f"{SERVICE}-{uuid4().hex}"
        self.channel.basic_consume(queue=queue, consumer_tag=tag, no_ack=False, callback=partial(self._keep, queue))
        return tag

    def _keep(self, queue: str, raw: Any) -> None:
        # Called from within any read of the connection, also while an answer is awaited: only put by.
        self._waiting.append(read_delivery(self.channel.message_to_python(raw), queue))

    def take(self, seconds: float) -> Delivery | None:
        """Return the next message, waiting so long for one."""
        if not self._waiting:
            self._session.drain(seconds)
        return self._waiting.popleft() if self._waiting else None

    def ack(self, delivery: Delivery) -> None:
        """The message is dealt with."""
        self._session.acknowledge(self.channel, delivery.tag)

    def give_back(self, delivery: Delivery) -> None:
        """Return the message to the head of its queue."""
        with self._session.guard():
            self.channel.basic_reject(delivery.tag, requeue=True)

    def stop(self) -> None:
        """Take nothing more and give back what was not taken yet."""
        with self._session.guard():
            for tag in self._tags:
                self.channel.basic_cancel(tag)
        while self._waiting:
            self.give_back(self._waiting.popleft())
