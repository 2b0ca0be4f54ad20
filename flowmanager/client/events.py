"""Listen to flow-manager's events: each comes typed, once, and is acknowledged when it was dealt with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from random import uniform
from threading import Event as Flag
from time import monotonic
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import orjson
import structlog

from flowmanager.client.errors import no_answer
from flowmanager.client.records import Activeflow, Flow
from flowmanager.errors import BrokerLost
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.session import Session
from flowmanager.transport.standing import Standing
from flowmanager.transport.topology import declare_fanout

log = structlog.get_logger()

PREFETCH = 100
IDLE_SECONDS = 0.2
REDIAL_SECONDS = 1.0
WINDOW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a type that this client does not know. `data` is the record as JSON."""

    id: str
    """The same whenever the event is delivered again; may be empty."""
    type: str
    data: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEvent(Event):
    """`flow_created`, `flow_updated`, `flow_deleted`."""

    flow: Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveflowEvent(Event):
    """`activeflow_created`, `activeflow_updated`, `activeflow_deleted`."""

    activeflow: Activeflow


def read_event(delivery: Delivery) -> Event | None:
    """Return the event of a message; None: it is none."""
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        envelope: Mapping[str, Any] = orjson.loads(delivery.body)
        kind, data = envelope["type"], envelope.get("data")
        if kind.startswith("activeflow_"):
            return ActiveflowEvent(id=delivery.message_id, type=kind, data=data, activeflow=Activeflow.read(data))
        if kind.startswith("flow_"):
            return FlowEvent(id=delivery.message_id, type=kind, data=data, flow=Flow.read(data))
        return Event(id=delivery.message_id, type=kind, data=data)
    return None


class Seen:
    """The ids of the latest messages; an empty id is never among them."""

    def __init__(self, size: int) -> None:
        """Remember so many."""
        self._size = size
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._ids

    def add(self, message_id: str) -> None:
        """Remember an id and forget the oldest."""
        if message_id:
            self._ids[message_id] = None
            self._ids.move_to_end(message_id)
        if len(self._ids) > self._size:
            self._ids.popitem(last=False)


class EventSubscriber:
    """Yields the events of flow-manager's exchange. One thread takes them; any other may call `stop`.

    Asking for the next event acknowledges the one before. An event that was not acknowledged comes again: later on a
    durable queue, never on a private one. After a broken connection it connects again by itself.
    """

    def __init__(self, url: str, *, queue: str = "", prefix: str = NAMES.prefix, window: int = WINDOW) -> None:
        """Connect: every event from now on is delivered. Raises ConnectionLost, InvalidSetting.

        `queue`: name of a durable queue that collects events while nobody listens, from its first use on; several
        subscribers share its events. Without a name, a private queue that vanishes with the connection.
        `window`: so many message ids are remembered to drop events that are delivered twice.
        """
        self._exchange = Names(prefix).event
        self._queue = queue
        self._seen = Seen(window)
        self._stopping = Flag()
        self._in_hand: tuple[Inbox, Delivery] | None = None
        self._standing = Standing(url, self._listen, heartbeat=0)  # a slow handler must not look like a dead client
        try:
            self._standing.get()
        except BrokerLost as lost:
            raise no_answer(lost, f"subscribe {self._exchange}", 0) from lost

    def _listen(self, session: Session) -> Inbox:
        with session.guard():
            channel = session.channel()
            declare_fanout(channel, self._exchange)
            queue = self._queue or self._private_queue(session, channel)
            if self._queue:
                channel.queue_declare(queue, durable=True, auto_delete=False)
            channel.queue_bind(queue, self._exchange, "")
        return Inbox(session, (queue,), prefetch=PREFETCH)

    def _private_queue(self, session: Session, channel: Any) -> str:
        queue = f"{self._exchange}.subscriber.{uuid4().hex}"
        channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=True)
        if session.embedded:
            session.before_close(partial(channel.queue_delete, queue))
        return queue

    def __iter__(self) -> Iterator[Event]:
        """Yield events until `stop` is called."""
        while event := self.take():
            yield event

    def events(self, *, seconds: float) -> Iterator[Event]:
        """Yield events until none has come for so long, or `stop` is called."""
        while event := self.take(seconds):
            yield event

    def take(self, seconds: float | None = None) -> Event | None:
        """Acknowledge the event before and return the next one; None: stopped, or none came within `seconds`."""
        deadline = None if seconds is None else monotonic() + seconds
        event = None
        while event is None:
            self.acknowledge()
            left = IDLE_SECONDS if deadline is None else min(IDLE_SECONDS, deadline - monotonic())
            if left <= 0 or self._stopping.is_set():
                return None
            event = self._receive(left)
        return event

    def _receive(self, seconds: float) -> Event | None:
        try:
            return self._receive_connected(seconds)
        except BrokerLost as lost:
            log.warning("events_interrupted", exchange=self._exchange, why=lost.facts.get("why"))
            self._stopping.wait(REDIAL_SECONDS * uniform(0.5, 1.5))
            return None

    def _receive_connected(self, seconds: float) -> Event | None:
        inbox = self._standing.get()
        delivery = inbox.take(seconds)
        if delivery is None:
            return None
        self._in_hand = inbox, delivery
        if delivery.message_id in self._seen:
            return None
        event = read_event(delivery)
        if event is None:
            log.warning("event_unreadable", exchange=self._exchange, message_id=delivery.message_id)
        return event

    def acknowledge(self) -> None:
        """Say that the latest event was dealt with, without taking another one."""
        if self._in_hand is not None:
            (inbox, delivery), self._in_hand = self._in_hand, None
            self._seen.add(delivery.message_id)
            with suppress(BrokerLost):  # it is delivered again, and dropped
                inbox.ack(delivery)

    def give_back(self) -> None:
        """Have the latest event delivered again."""
        if self._in_hand is not None:
            (inbox, delivery), self._in_hand = self._in_hand, None
            with suppress(BrokerLost):  # then it is delivered again anyway
                inbox.give_back(delivery)

    def run(self, handle: Callable[[Event], None]) -> None:
        """Call `handle` with each event until `stop` is called. What it raises ends the run; the event comes again."""
        for event in self:
            with ExitStack() as failed:
                failed.callback(self.give_back)
                handle(event)
                failed.pop_all()

    def stop(self) -> None:
        """Take no more events; from any thread. An event in hand is still acknowledged."""
        self._stopping.set()

    def close(self) -> None:
        """Close the connection; by the thread that takes events, when it is done. An event in hand comes again."""
        self._standing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
