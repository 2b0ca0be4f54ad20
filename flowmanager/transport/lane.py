"""A thread that takes the messages of one queue over a connection of its own, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from random import uniform
from threading import Event, Thread
from time import monotonic

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.errors import BrokerLost, StoreLost
from flowmanager.transport.connection import check_url
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.link import Link
from flowmanager.transport.names import NAMES, UNREADABLE, Names
from flowmanager.transport.session import Session

log = structlog.get_logger()

Handle = Callable[[Delivery, Link], None]
Prepare = Callable[[Session], None]


@frozen(kw_only=True)
class LaneOptions:
    """How lanes behave; times in seconds."""

    prepare: Prepare | None = None
    """Called on every new connection, to declare what may be missing."""
    names: Names = NAMES
    redial: float = 1.0
    """How long to wait before connecting again, give or take a half."""
    quiet: bool = False
    """Nobody need read in the log that it is connected."""
    idle: float = 0.2
    """How long to wait for a message before looking whether to stop."""
    store_pause: float = 0.2
    """How long to keep a message the database could not take; doubled each time, up to the limit."""
    store_pause_limit: float = 5.0


DEFAULTS = LaneOptions()
BLOCKED_SECONDS = 10.0
"""How long a connection that was given up because it was blocked still counts: its successor learns it by trying."""


class Lane(Thread):
    """Connects, takes, handles, acknowledges; for ever, until it is told to stop."""

    def __init__(
        self, url: str, queues: str | Sequence[str], handle: Handle, *, options: LaneOptions = DEFAULTS
    ) -> None:
        """`handle` deals with one message; when it returns the message is acknowledged.

        If it raises BrokerLost the broker delivers the message again; StoreLost: it goes back to its queue after a
        pause; anything else: it goes to the dead queue. Raises InvalidSetting for a URL nobody can connect to.
        """
        check_url(url)
        self._queues = (queues,) if isinstance(queues, str) else tuple(queues)
        super().__init__(name=f"lane-{self._queues[0]}", daemon=True)
        self.ready = Event()
        """Set while the lane is connected and consumes."""
        self._url = url
        self._handler = handle
        self._options = options
        self._stopping = Event()
        self.fault = "its first connection"
        """Why it does not consume."""
        self._session: Session | None = None
        self._blocked_until = 0.0
        self._turned_at = monotonic()
        self._outage = False
        self._store_failures = 0

    def stop(self) -> None:
        """Take no more, finish the message in hand, give back the rest, close. Returns at once: join the thread."""
        self._stopping.set()

    @property
    def alive_at(self) -> float:
        """When it last moved, in the time of `monotonic`; who waits for an answer moves."""
        session = self._session
        return max(self._turned_at, session.moved_at if session else 0.0)

    @property
    def blocked(self) -> bool:
        """Whether the broker takes no messages, as far as this lane knows: it is told so when it sends."""
        session = self._session
        return (session is not None and session.blocked) or monotonic() < self._blocked_until

    def run(self) -> None:
        """Serve one connection after the other."""
        while not self._stopping.is_set():
            self._turned_at = monotonic()
            try:
                self._connect_and_serve()
            except BrokerLost as lost:
                self.fault = str(lost.facts.get("why") or lost.sentence)
                self._tell_outage(lost)
                if self._session and self._session.blocked:
                    self._blocked_until = monotonic() + BLOCKED_SECONDS
                self._stopping.wait(self._options.redial * uniform(0.5, 1.5))
            except Exception:  # the edge: whatever happens on a connection must not end the lane
                log.exception("lane_failed", queues=self._queues)
                self._stopping.wait(self._options.redial)
            finally:
                self.ready.clear()

    def _connect_and_serve(self) -> None:
        with closing(Session(self._url)) as session:
            self._session = session
            if self._options.prepare:
                self._options.prepare(session)
            self._turned_at = monotonic()
            inbox = Inbox(session, self._queues)
            link = Link(session, names=self._options.names, replies=inbox.channel)
            self._tell_connected()
            self._serve(inbox, link)
            inbox.stop()

    def _serve(self, inbox: Inbox, link: Link) -> None:
        self.ready.set()
        while not self._stopping.is_set():
            delivery = inbox.take(self._options.idle)
            if delivery is not None:
                self._deal_with(delivery, inbox, link)

    def _deal_with(self, delivery: Delivery, inbox: Inbox, link: Link) -> None:
        try:
            self._read_and_handle(delivery, link)
        except BrokerLost:
            raise
        except StoreLost as lost:
            self._return_later(delivery, inbox, lost)
            return
        except Exception as error:  # the edge: one message must not end the lane
            log.exception("message_parked", queue=delivery.queue, message_id=delivery.message_id)
            link.park(delivery, repr(error))
        self._store_failures = 0
        inbox.ack(delivery)

    def _read_and_handle(self, delivery: Delivery, link: Link) -> None:
        fault = delivery.headers.get(UNREADABLE)
        if fault is None:
            self._handler(delivery, link)
        else:
            log.error("message_unreadable", queue=delivery.queue, why=fault)
            link.park(delivery, f"its properties cannot be read: {fault}")

    def _return_later(self, delivery: Delivery, inbox: Inbox, lost: StoreLost) -> None:
        # The limit also keeps the doubling from overflowing in a long outage.
        doubled = self._options.store_pause * 2 ** min(self._store_failures, 16)
        seconds = min(doubled, self._options.store_pause_limit) * uniform(0.5, 1)
        log.warning("message_returned", queue=delivery.queue, seconds=round(seconds, 3), why=str(lost))
        self._store_failures += 1
        self._stopping.wait(seconds)
        inbox.give_back(delivery)

    def _tell_outage(self, lost: BrokerLost) -> None:
        if not self._outage and not self._stopping.is_set():
            log.warning("broker_unavailable", queues=self._queues, why=lost.facts.get("why"), retry="until it is back")
        self._outage = True

    def _tell_connected(self) -> None:
        if not self._options.quiet:
            log.info("broker_connected", queues=self._queues)
        self._outage = False
