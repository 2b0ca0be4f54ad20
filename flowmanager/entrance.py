"""The door for requests: those that crowd out other customers are moved to the queue of the crowd, not handled."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.errors import InvalidEnvelope
from flowmanager.orchestrator.crowd import record_of
from flowmanager.orchestrator.engine import Engine
from flowmanager.ports import Transaction
from flowmanager.schemas.envelopes import Request
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.link import Link
from flowmanager.transport.names import UNREADABLE

log = structlog.get_logger()

BATCH = 100
"""Requests moved at once: their bodies are in memory meanwhile."""


@frozen
class Entrance:
    """Lets requests in. Those that come from the queue of the crowd do not pass here: nothing is moved twice."""

    engine: Engine
    read: Callable[[bytes], Request]
    """Reads a request. Raises InvalidEnvelope."""

    def let_in(self, request: Request, delivery: Delivery, link: Link, handle: Callable[[], None]) -> None:
        """Handle a request or move it. Raises BrokerLost, StoreLost, and what `handle` raises.

        What is delivered again is handled in any case: its turn may have begun, which the broker's mark alone tells,
        and what the broker did not take as a copy must not be offered to it for ever.
        """
        crowd = self.engine.crowd
        customer_id = self.customer_of(request)
        if not crowd.enter(customer_id, may_wait=not delivery.redelivered):
            self.move(customer_id, delivery, link)
            return
        try:
            handle()
        finally:
            crowd.leave(customer_id)

    def move(self, customer_id: Id, delivery: Delivery, link: Link) -> None:
        """Have a request wait with others of its kind, and those right behind it: one by one would take too long.

        When this returns the broker has them there.
        """
        more = self.more(delivery.queue, link)
        link.move_to_crowd(delivery, more)
        self.engine.metrics.crowd_moved.inc(1 + len(more))
        if self.engine.crowd.news(customer_id):
            log.warning("customer_crowds", customer_id=customer_id, in_hand=self.engine.crowd.most)

    def more(self, queue: str, link: Link) -> list[Delivery]:
        """Take from a queue what crowds, up to the first message that does not: that one is the next to be handled."""
        found: list[Delivery] = []
        try:
            while len(found) < BATCH and (delivery := link.next_in(queue)) is not None:
                found.append(delivery)
                if not self.crowds(delivery):
                    link.give_back(found.pop())
                    break
        except Exception:
            # Nobody else gives them back: they would be in this lane's hands for as long as its connection lasts.
            for delivery in found:
                link.give_back(delivery)
            raise
        return found

    def crowds(self, delivery: Delivery) -> bool:
        """Say whether a message is a request that is to be moved."""
        if delivery.redelivered or UNREADABLE in delivery.headers:
            return False
        try:
            request = self.read(delivery.body)
        except InvalidEnvelope:
            return False
        return self.engine.crowd.crowds(self.customer_of(request))

    def customer_of(self, request: Request) -> Id:
        """Return whose a request is; the database is asked only when it matters."""
        crowd = self.engine.crowd
        known = crowd.customer_of(request.uri, request.data)
        if known or not crowd.pressed():
            return known
        kind, record_id = record_of(request.uri)
        found = self.looked_up(kind, record_id) if record_id else ""
        crowd.learn(record_id, found)
        return found

    def looked_up(self, kind: str, record_id: Id) -> Id:
        """Return whose a record is; empty: there is none. Raises StoreLost."""

        def read(transaction: Transaction) -> Id:
            found = transaction.get_flow(record_id) if kind == "flows" else transaction.get_activeflow(record_id)
            return found.customer_id if found else ""

        return self.engine.store.look(read)
