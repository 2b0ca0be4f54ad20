"""Spans by OpenTelemetry, by its conventions for messaging. Needs the extra `otel`; imported only when it is set."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from flowmanager import __version__
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.ports import Ask, Message, MessageKind, Rpc
from flowmanager.spans import Taken
from flowmanager.transport.names import SERVICE, Names

HEADER = "traceparent"
HEADERS = (HEADER, "tracestate")
MOST = 10_000
"""Records remembered until their messages are published; what is forgotten is published without a span."""

W3C = TraceContextTextMapPropagator()


def make_tracer(names: Names) -> OtelTracer:
    """Return a tracer that sends to where OpenTelemetry's own variables say (OTEL_EXPORTER_OTLP_ENDPOINT, …)."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelTracer(provider, names)


def context_of(headers: Mapping[str, Any]) -> Context:
    """Return what a sender's headers say; whatever is no text is passed over."""
    return W3C.extract({key: headers[key] for key in HEADERS if isinstance(headers.get(key), str)}, Context())


def headers_of(context: Context | None = None) -> dict[str, str]:
    """Return the headers that name a span, the current one unless another is given."""
    headers: dict[str, str] = {}
    W3C.inject(headers, context)
    return headers


def messaging(operation: str, destination: str, *, size: int | None = None, **ids: str) -> dict[str, str | int]:
    """Return the attributes of a span that is about a message; what is not known is left out."""
    known: dict[str, str | int] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": destination,
    }
    if size is not None:
        known["messaging.message.body.size"] = size
    return known | {f"messaging.message.{name}": value for name, value in ids.items() if value}


def own(facts: Mapping[str, str]) -> dict[str, str]:
    """Return facts of ours as attributes."""
    return {f"flowmanager.{name}": value for name, value in facts.items() if value}


@dataclass(slots=True)
class OtelTracer:
    """The tracer; safe to use from several threads."""

    provider: TracerProvider
    names: Names
    lock: Lock = field(default_factory=Lock)
    left: OrderedDict[Id, Context] = field(default_factory=OrderedDict)
    """What caused the messages of records that are not published yet."""
    tracer: trace.Tracer = field(init=False)

    def __post_init__(self) -> None:
        self.tracer = self.provider.get_tracer(SERVICE, __version__)

    def taken(self, message: Taken) -> AbstractContextManager[Span]:
        """Open the span of a message that is handled, under that of its sender."""
        ids = {"id": message.message_id, "conversation_id": message.correlation_id}
        return self.tracer.start_as_current_span(
            f"process {message.queue}",
            context_of(message.headers),
            kind=SpanKind.CONSUMER,
            attributes=messaging("process", message.queue, size=message.size, **ids),
        )

    def span(self, name: str, **facts: str) -> AbstractContextManager[Span]:
        """Open a span under the current one."""
        return self.tracer.start_as_current_span(name, attributes=own(facts))

    def note(self, **facts: str) -> None:
        """Add facts to the current span."""
        trace.get_current_span().set_attributes(own(facts))

    def current(self) -> str:
        """Return the current span as a W3C `traceparent`; empty: there is none."""
        return headers_of().get(HEADER, "")

    def follow(self, traceparent: str) -> None:
        """Link the current span to an earlier one."""
        before = trace.get_current_span(context_of({HEADER: traceparent})).get_span_context()
        if before.is_valid:
            trace.get_current_span().add_link(before)

    def rpc(self, rpc: Rpc) -> Rpc:
        """Return an Rpc that asks through the given one, a span for each request."""
        return TracedRpc(rpc, self)

    @contextmanager
    def asking(self, ask: Ask) -> Iterator[Ask]:
        """Open the span of a request to a peer; give the request with the span in its headers."""
        queue = self.names.request_queue(ask.peer)
        attributes = messaging("send", queue, id=ask.key) | own({"method": ask.method, "uri": ask.uri})
        with self.tracer.start_as_current_span(f"send {queue}", kind=SpanKind.CLIENT, attributes=attributes):
            yield replace(ask, headers=headers_of())

    def leaving(self, records: Iterable[Id]) -> None:
        """Remember what caused the messages of these records."""
        context = trace.set_span_in_context(trace.get_current_span(), Context())
        with self.lock:
            for record in records:
                self.left[record] = context
                self.left.move_to_end(record)
            while len(self.left) > MOST:
                self.left.popitem(last=False)

    def stamped(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Return messages with a span in their headers, under that which caused them."""
        with self.lock:
            causes = {one.activeflow_id: self.left.get(one.activeflow_id) for one in messages}
            for record in causes:
                self.left.pop(record, None)
        return [self.stamp(one, causes[one.activeflow_id]) for one in messages]

    def stamp(self, message: Message, cause: Context | None) -> Message:
        """Return a message with a span of its own; as it is when nobody knows what caused it."""
        if cause is None:
            return message
        is_event = message.kind is MessageKind.EVENT
        place = self.names.event if is_event else self.names.request_queue(message.target)
        attributes = messaging("send", place, id=message.id) | own({"event": message.target if is_event else ""})
        span = self.tracer.start_span(f"send {place}", cause, kind=SpanKind.PRODUCER, attributes=attributes)
        span.end()
        return replace(message, headers=headers_of(trace.set_span_in_context(span, Context())))

    def close(self) -> None:
        """Send what was not sent yet."""
        self.provider.shutdown()


@frozen
class TracedRpc:
    """Asks through another Rpc; an error is noted in the span."""

    rpc: Rpc
    tracer: OtelTracer

    def call(self, ask: Ask) -> Any:
        """Ask inside a span."""
        with self.tracer.asking(ask) as named:
            return self.rpc.call(named)
