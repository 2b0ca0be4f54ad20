"""The dead queue as a person sees it: look at what is parked, send it back, or drop it. Nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic, sleep
from typing import Any

from flowmanager.errors import BrokerLost, NotReplayed
from flowmanager.transport.envelope import CUT, QUEUE, TIME, Delivery, read_delivery, replay_letter
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session

NO_SUCH_QUEUE = 404
SETTLE_SECONDS = 2.0
"""How long a broker may take to show messages again that were given back."""


class DeadQueue:
    """Messages are taken without being removed: what is not replayed or dropped returns when the session closes.

    Methods raise BrokerLost.
    """

    def __init__(self, session: Session, *, names: Names = NAMES) -> None:
        self._session = session
        self._names = names
        self._channel = session.channel()
        self._publisher = LanePublisher(session, names=names)
        self._known: set[str] = set()

    def size(self) -> int:
        """Return how many messages are there, without those that somebody else looks at. Raises BrokerLost."""
        return self._count(self._names.dead)

    def take(self, most: int) -> Iterator[Delivery]:
        """Yield messages, the oldest first. They are hidden from others until the session closes.

        Replicated queues do not keep the order of what is given back: the time at which they were parked does.
        """
        yield from sorted(self._got(most), key=lambda one: str(one.headers.get(TIME, "")))

    def _got(self, most: int) -> Iterator[Delivery]:
        for _ in range(most):
            with self._session.guard():
                found: Any = self._channel.basic_get(self._names.dead, no_ack=False)
            if found is None:
                return
            yield read_delivery(found, self._names.dead)

    def replay(self, parked: Delivery) -> str:
        """Send a message back to the queue it came from and return that; it is removed once the broker has it there.

        Raises NotReplayed for a message that cannot go back; it stays.
        """
        queue = str(parked.headers.get(QUEUE, ""))
        if CUT in parked.headers:
            raise NotReplayed(f"only the beginning of its {parked.headers[CUT]} bytes was kept")
        if queue not in (*self._names.queues, self._names.crowd):
            raise NotReplayed(f"it came from {queue!r}, which is not a queue of {self._names.prefix}")
        if queue not in self._known:
            self._count(queue)
            self._known.add(queue)
        self._publisher.send([replay_letter(parked, queue)])
        self.drop(parked)
        return queue

    def drop(self, parked: Delivery) -> None:
        """Remove a message."""
        with self._session.guard():
            self._channel.basic_ack(parked.tag)

    def give_back(self, parked: Sequence[Delivery]) -> None:
        """Put messages back to their places; replicated queues take a moment, which is waited for."""
        with self._session.guard():
            for one in parked:
                self._channel.basic_reject(one.tag, requeue=True)
        deadline = monotonic() + SETTLE_SECONDS
        while self.size() < len(parked) and monotonic() < deadline:
            sleep(SETTLE_SECONDS / 100)

    def _count(self, queue: str) -> int:
        try:
            with self._session.guard():
                return int(self._channel.queue_declare(queue, passive=True).message_count)
        except BrokerLost as lost:
            if getattr(lost.__cause__, "code", None) == NO_SUCH_QUEUE:
                raise BrokerLost(
                    f"the broker has no queue {queue}: no worker has run there yet, or FLOWMANAGER_QUEUE_PREFIX differs"
                ) from lost
            raise
