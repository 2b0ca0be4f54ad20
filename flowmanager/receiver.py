"""The edge where messages come in: read, hand to a route or a subscription, answer, publish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from time import monotonic

import structlog
from structlog.contextvars import bound_contextvars

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.machine import Command
from flowmanager.entrance import Entrance
from flowmanager.errors import (
    ActiveflowEnded,
    AnswerTooLarge,
    BrokerLost,
    FlowManagerError,
    InvalidEnvelope,
    StaleAction,
    StoreLost,
)
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.turn import Resume
from flowmanager.ports import Message, MessageKind, Publisher
from flowmanager.route import Router
from flowmanager.schemas.envelopes import Request, decode_request, encode_error
from flowmanager.spans import Taken
from flowmanager.subscription import CustomerGone, Event, News, Subscription, decode_event
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.link import Link

log = structlog.get_logger()


@frozen
class Size:
    """How large and how deep a message may be, and how large an answer."""

    bytes: int
    depth: int
    answer: int = 16_000_000


@frozen
class Aftermath:
    """What follows a committed change: its events are published, its children started."""

    router: Router
    relay: Callable[[list[Id]], None] | None = None
    """Has the messages of records published by somebody else; None: they are published here and now."""

    def is_brief(self, work: Work) -> bool:
        """Say whether `complete` has nothing to wait for."""
        return self.relay is not None and not work.afterwards and not work.done.children

    def complete(self, work: Work, publisher: Publisher) -> None:
        """Publish, then do what was left for after the answer, until nothing is left."""
        self.publish(work.engine, work.done.touched, publisher)
        afterwards, work.afterwards = work.afterwards, []
        for act in afterwards:
            self.attempt(act)
        self.publish(work.engine, work.done.touched, publisher)
        children, work.done.children = work.done.children, []
        for child_id in children:
            self.start(work, child_id, publisher)

    def publish(self, engine: Engine, touched: list[Id], publisher: Publisher) -> None:
        """Have published what the outbox holds of the touched records."""
        ids = list(dict.fromkeys(touched))
        touched.clear()
        engine.tracer.leaving(ids)
        if ids and self.relay is not None:
            self.relay(ids)
        elif ids:
            self.publish_now(engine, ids, publisher)

    def publish_now(self, engine: Engine, ids: list[Id], publisher: Publisher) -> None:
        """Publish what the outbox holds of some records, in commit order, and take it out."""
        self.send(engine, engine.store.unpublished(ids), publisher)

    def send(self, engine: Engine, messages: Sequence[Message], publisher: Publisher) -> None:
        """Publish messages and take them out of the outbox."""
        if not messages:
            return
        started = monotonic()
        publisher.publish(engine.tracer.stamped(messages))
        engine.store.published(messages)
        for kind, number in Counter(message.kind for message in messages).items():
            engine.metrics.notify_total.labels(kind.value).inc(number)
        events = Counter(message.target for message in messages if message.kind is MessageKind.EVENT)
        for event_type, number in events.items():
            engine.metrics.event_publish.labels(event_type).inc(number)
        engine.metrics.notify.labels("batch").observe((monotonic() - started) * 1000)

    def attempt(self, act: Callable[[], None]) -> None:
        """Do something that nobody waits for; a failure is only logged."""
        try:
            act()
        except (BrokerLost, StoreLost):
            raise
        except FlowManagerError as error:
            log.warning("afterwards_failed", reason=error.reason, message=error.sentence)

    def start(self, work: Work, child_id: Id, publisher: Publisher) -> None:
        """Run an on-complete child; when the sweeper was faster it is running already."""
        child = Work(work.engine, work.rpc)
        resume = Resume(activeflow_id=child_id, command=Command.TIMER, cause="on_complete")
        try:
            self.router.app.turns.resume(child, resume)
        except (StaleAction, ActiveflowEnded):
            return
        self.complete(child, publisher)


@frozen
class RequestReceiver:
    """Handles one request."""

    engine: Engine
    router: Router
    aftermath: Aftermath
    size: Size
    entrance: Entrance | None = None
    """Who keeps one customer from crowding out the others; None: nobody."""

    def handle(self, delivery: Delivery, link: Link) -> None:
        """Answer a request. Raises BrokerLost and StoreLost: it must be handled again then."""
        with self.engine.tracer.taken(told(delivery)):
            self.read(delivery, link)

    def read(self, delivery: Delivery, link: Link) -> None:
        """Answer a request, if it is one."""
        try:
            request = decode_request(delivery.body, limit=self.size.bytes, depth=self.size.depth)
        except InvalidEnvelope as error:
            self.engine.metrics.malformed.labels("request").inc()
            log.warning("request_malformed", why=error.sentence)
            link.reply(delivery, encode_error(error))
            return
        with bound_contextvars(**(ids := ids_of(request, delivery))):
            self.engine.tracer.note(**ids)
            handle = partial(self.answer, request, delivery, link)
            if self.entrance is None:
                handle()
            else:
                self.entrance.let_in(request, delivery, link, handle)

    def answer(self, request: Request, delivery: Delivery, link: Link) -> None:
        """Run a request, send its answer as soon as that is committed, then finish the work."""
        replied: list[bool] = []

        def reply(body: bytes, *, last: bool = False) -> None:
            if not replied:
                link.reply(delivery, self.fitting(body), last=last)
                replied.append(True)

        key = identity(request, delivery)
        work = Work(self.engine, self.engine.peers(link.rpc), key, delivery.redelivered, reply=reply)
        body = self.guarded(request, work)
        reply(body, last=self.aftermath.is_brief(work))
        self.aftermath.complete(work, link.publisher)

    def fitting(self, body: bytes) -> bytes:
        """Return the answer, or an error when the broker would refuse it."""
        if len(body) <= self.size.answer:
            return body
        log.warning("answer_too_large", bytes=len(body), limit=self.size.answer)
        return encode_error(AnswerTooLarge(bytes=len(body), limit=self.size.answer))

    def guarded(self, request: Request, work: Work) -> bytes:
        """Return the answer, also when the program has a fault: one request must not be handled for ever."""
        try:
            return self.router.answer(request, work)
        except (BrokerLost, StoreLost):
            raise
        except Exception:
            log.exception("request_failed")
            return work.done.body or encode_error(FlowManagerError("internal error"))


@frozen
class EventReceiver:
    """Handles one event."""

    engine: Engine
    router: Router
    subscriptions: Mapping[tuple[str, str], Subscription]
    aftermath: Aftermath
    size: Size

    def handle(self, delivery: Delivery, link: Link) -> None:
        """Bring an event to whom it concerns. Raises BrokerLost and StoreLost."""
        with self.engine.tracer.taken(told(delivery)):
            self.read(delivery, link)

    def read(self, delivery: Delivery, link: Link) -> None:
        """Bring an event to whom it concerns, if it is one."""
        try:
            event = decode_event(delivery.body, limit=self.size.bytes, depth=self.size.depth)
        except InvalidEnvelope as error:
            self.engine.metrics.malformed.labels("event").inc()
            parked = link.park_malformed(delivery, error.sentence)
            log.warning("event_malformed", why=error.sentence, queue=delivery.queue, parked=parked)
            return
        with bound_contextvars(event=f"{event.source}.{event.name}"):
            self.engine.tracer.note(event=f"{event.source}.{event.name}")
            self.dispatch(event, delivery, link)

    def dispatch(self, event: Event, delivery: Delivery, link: Link) -> None:
        """Find out what an event means and act on it."""
        started = monotonic()
        subscription = self.subscriptions.get((event.source, event.name))
        news = subscription.read(event) if subscription else None
        if news is not None:
            rpc = self.engine.peers(link.rpc)
            work = Work(self.engine, rpc, event_identity(event, delivery), delivery.redelivered)
            self.deliver(news, work, partial(self.aftermath.complete, publisher=link.publisher))
        known = (event.source, event.name) if subscription else ("other", "other")
        self.engine.metrics.receive_event.labels(*known).observe((monotonic() - started) * 1000)

    def deliver(self, news: News, work: Work, complete: Callable[[Work], None]) -> None:
        """Act on what an event says."""
        if isinstance(news, CustomerGone):
            self.router.app.customers.remove(work, news.customer_id, complete)
            return
        self.router.app.dispatch.deliver(work, news.signal, news.activeflow_id, news.reference_id)
        complete(work)


def told(delivery: Delivery) -> Taken:
    """Return what spans tell of a message."""
    return Taken(
        queue=delivery.queue,
        size=len(delivery.body),
        message_id=delivery.message_id,
        correlation_id=delivery.correlation_id,
        headers=delivery.headers,
    )


def identity(request: Request, delivery: Delivery) -> str:
    """Return what a repeat of the request has in common with it.

    A sender that names its requests is believed; senders who merely number them must not get each other's answers.
    Else the place where the answer is awaited tells requests apart: the platform's own clients wait for each on a queue
    of its own, others number them.
    """
    named = request.request_id or delivery.message_id
    if named:
        return f"id:{digest(request.publisher, request.method, request.uri, named)}"
    if not delivery.reply_to:
        return ""
    return f"sha256:{digest(delivery.reply_to, delivery.correlation_id, delivery.body)}"


def digest(*parts: str | bytes) -> str:
    """Return what stands for several texts together."""
    return sha256(b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)).hexdigest()


def event_identity(event: Event, delivery: Delivery) -> str:
    """Return what a repeat of the event has in common with it: its message id, else a record with an id and a time."""
    if delivery.message_id:
        return f"event:{delivery.message_id}"
    told_apart = event.id("id") and event.text("tm_update", "tm_create")
    return f"event:{sha256(delivery.body).hexdigest()}" if told_apart else ""


def ids_of(request: Request, delivery: Delivery) -> dict[str, str]:
    """Return what every log line of a request shows."""
    shown = {
        "method": request.method,
        "uri": request.uri[:200],
        "publisher": request.publisher,
        "request_id": request.request_id or delivery.message_id,
    }
    return {key: value for key, value in shown.items() if value}
