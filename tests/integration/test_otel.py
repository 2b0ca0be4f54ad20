"""Distributed traces: from a caller's span through turn, executor and peer to events, and over a wait to the next."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from flowmanager.bootstrap import Worker, make_tracer, make_worker
from flowmanager.core.details import SPAN
from flowmanager.errors import InvalidSetting, PeerError
from flowmanager.otel import OtelTracer
from flowmanager.ports import Ask
from flowmanager.schemas.envelopes import encode_answer
from flowmanager.settings import Settings
from flowmanager.spans import NO_TRACER
from flowmanager.store.engine import make_engine
from flowmanager.store.migrate import migrate
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.link import Link
from tests.broker_room import Room, eventually, open_room

CUSTOMER = str(uuid4())
FIRST, SECOND = "0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319d"
"""The traces of two callers."""
PARENT = "b7ad6b7169203331"


def traceparent(trace_id: str) -> dict[str, str]:
    """The header of a caller's span."""
    return {"traceparent": f"00-{trace_id}-{PARENT}-01"}


@dataclass
class Stage:
    """A worker with a tracer in this process, a caller, and a peer that writes down the headers of requests."""

    room: Room
    folder: Path
    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    asked: list[Delivery] = field(default_factory=list)

    def worker(self) -> Worker:
        """Start it; it stops with the room."""
        dsn = f"sqlite:///{self.folder}/flow.sqlite"
        engine = make_engine(dsn)
        migrate(engine)
        engine.dispose()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        settings = Settings(
            rabbitmq_address=self.room.url, database_dsn=dsn, threads=1, queue_prefix=self.room.names.prefix
        )
        worker = make_worker(settings, tracer=OtelTracer(provider, self.room.names))
        worker.start()
        self.room.stack.callback(worker.stop, 10.0)
        assert worker.ready(10.0)
        return worker

    def peer(self, name: str) -> None:
        """Answer what is asked of a manager."""
        queue = self.room.names.request_queue(name)
        self.room.session().channel().queue_declare(queue, durable=True, auto_delete=False)
        self.room.lane(self.answer, queue=queue)

    def answer(self, delivery: Delivery, link: Link) -> None:
        self.asked.append(delivery)
        link.reply(delivery, encode_answer({"id": str(uuid4())}))

    def ask(self, method: str, uri: str, body: Any = None, **headers: str) -> Any:
        """Be a caller, with a span of its own."""
        ask = Ask(peer="flow", method=method, uri=uri, body=body, seconds=10.0, headers=headers, key=uuid4().hex)
        return self.room.link().rpc.call(ask)

    def spans(self, trace_id: str) -> list[ReadableSpan]:
        """The finished spans of a trace, the first that began first."""
        found = [one for one in self.exporter.get_finished_spans() if f"{one.context.trace_id:032x}" == trace_id]
        return sorted(found, key=lambda one: one.start_time or 0)

    def named(self, trace_id: str, name: str) -> ReadableSpan:
        """The only span of that name in a trace, as soon as it is finished."""
        eventually(lambda: name in [one.name for one in self.spans(trace_id)])
        (found,) = (one for one in self.spans(trace_id) if one.name == name)
        return found


@pytest.fixture(params=["memory", "amqp"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    url = "memory://" if request.param == "memory" else request.getfixturevalue("rabbitmq_address")
    with open_room(url) as room:
        made = Stage(room, tmp_path)
        made.peer("conversation")
        made.peer("webhook")
        made.worker()
        yield made


def started(stage: Stage, *actions: dict[str, Any]) -> str:
    """Store a flow and create its activeflow."""
    flow = stage.ask("POST", "/v1/flows", {"customer_id": CUSTOMER, "persist": True, "actions": list(actions)})
    wanted = {"id": str(uuid4()), "customer_id": CUSTOMER, "flow_id": flow["id"], "reference_type": "api"}
    made: str = stage.ask("POST", "/v1/activeflows", wanted)["id"]
    return made


SEND = {"type": "conversation_send", "option": {"conversation_id": str(uuid4()), "text": "hi"}}


def parent_of(span: ReadableSpan) -> str:
    """The span above one."""
    return f"{span.parent.span_id:016x}" if span.parent else ""


def id_of(span: ReadableSpan) -> str:
    """How headers name a span."""
    return f"{span.context.span_id:016x}"


def test_a_request_is_followed_to_peers_and_events(stage: Stage) -> None:
    """Each span lies in the one that caused it, across queues; names and attributes are those of the conventions."""
    names = stage.room.names
    listener = stage.room.subscriber()
    activeflow_id = started(stage, SEND, {"type": "stop"})
    assert [listener.take(5.0) is not None for _ in ("flow_created", "activeflow_created")] == [True, True]
    stage.ask("POST", f"/v1/activeflows/{activeflow_id}/execute", **traceparent(FIRST))
    sent = stage.named(FIRST, f"send {names.event}")
    chain = [
        f"process {names.request}",
        "turn",
        "execute conversation_send",
        f"send {names.request_queue('conversation')}",
    ]
    spans = [stage.named(FIRST, name) for name in chain]
    assert [parent_of(span) for span in spans] == [PARENT, *map(id_of, spans[:-1])]
    assert [span.kind for span in spans] == [SpanKind.CONSUMER, SpanKind.INTERNAL, SpanKind.INTERNAL, SpanKind.CLIENT]
    assert (sent.kind, parent_of(sent)) == (SpanKind.PRODUCER, id_of(spans[0]))
    attributes = dict(spans[0].attributes or {})
    assert attributes["messaging.system"] == "rabbitmq"
    assert attributes["messaging.destination.name"] == names.request
    assert attributes["flowmanager.uri"] == f"/v1/activeflows/{activeflow_id}/execute"
    (asked,) = (one for one in stage.asked if one.queue == names.request_queue("conversation"))
    assert asked.headers["traceparent"] == f"00-{FIRST}-{id_of(spans[3])}-01"
    heard = {delivery.headers.get("traceparent", "") for delivery in iter(lambda: listener.take(1.0), None)}
    assert f"00-{FIRST}-{id_of(sent)}-01" in heard


def test_a_resume_is_linked_to_the_span_in_which_the_wait_began(stage: Stage) -> None:
    """It belongs to the trace of who resumed; the history names the span in which the step waited."""
    activeflow_id = started(stage, {"type": "block"}, {"type": "stop"})
    stage.ask("POST", f"/v1/activeflows/{activeflow_id}/execute", **traceparent(FIRST))
    began = stage.named(FIRST, "turn")
    blocked = stage.ask("GET", f"/v1/activeflows/{activeflow_id}")["current_action"]["id"]
    seen = {"current_action_id": blocked}
    stage.ask("POST", f"/v1/activeflows/{activeflow_id}/continue", seen, **traceparent(SECOND))
    resumed = stage.named(SECOND, "turn")
    assert [link.context.span_id for link in resumed.links] == [began.context.span_id]
    assert [link.context.trace_id for link in resumed.links] == [began.context.trace_id]


def test_a_timer_is_linked_to_what_it_ends(stage: Stage) -> None:
    """Nobody asked for its turn: it is a trace of its own."""
    activeflow_id = started(stage, {"type": "sleep", "option": {"duration": 20}}, {"type": "stop"})
    stage.ask("POST", f"/v1/activeflows/{activeflow_id}/execute", **traceparent(FIRST))
    began = stage.named(FIRST, "turn")

    def timers() -> list[ReadableSpan]:
        return [one for one in stage.exporter.get_finished_spans() if one.links and one.parent is None]

    eventually(lambda: bool(timers()))
    (timer,) = timers()
    assert timer.name == "turn"
    assert [link.context.span_id for link in timer.links] == [began.context.span_id]


def test_an_error_of_a_peer_is_in_its_span(stage: Stage) -> None:
    """With what it was."""
    stage.room.session().channel().queue_delete(stage.room.names.request_queue("message"))
    send = {
        "type": "message_send",
        "option": {"source": {}, "destinations": [{"type": "tel", "target": "+1"}], "text": "x"},
    }
    activeflow_id = started(stage, send)
    stage.ask("POST", f"/v1/activeflows/{activeflow_id}/execute", **traceparent(FIRST))
    failed = stage.named(FIRST, f"send {stage.room.names.request_queue('message')}")
    assert failed.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("value", ["", "rubbish", "00-0-0-0", 7, b"\xff"])
def test_headers_that_name_no_span_begin_a_trace(stage: Stage, value: Any) -> None:
    """A sender's rubbish is passed over."""
    ask = Ask(peer="flow", method="GET", uri="/v1/nowhere", seconds=10.0, headers={"traceparent": value})
    with pytest.raises(PeerError, match="404"):
        stage.room.link().rpc.call(ask)
    eventually(lambda: bool(stage.exporter.get_finished_spans()))
    assert all(span.parent is None for span in stage.exporter.get_finished_spans() if span.name.startswith("process"))


def test_without_the_setting_nothing_is_traced_or_imported() -> None:
    """No library, no header, no note in the record."""
    assert make_tracer(Settings()) is NO_TRACER
    assert NO_TRACER.current() == ""
    program = (
        "import sys; import flowmanager.bootstrap; print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_without_the_library_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""
    monkeypatch.setitem(sys.modules, "flowmanager.otel", None)
    with pytest.raises(InvalidSetting, match=r"pip install 'flowmanager\[otel\]'"):
        make_tracer(Settings(otel=True))


def test_with_the_setting_spans_go_to_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenTelemetry's own variables say."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    tracer = make_tracer(Settings(otel=True))
    assert isinstance(tracer, OtelTracer)
    tracer.close()


def test_notes_of_a_wait_name_its_span(stage: Stage) -> None:
    """So that who reads a trace of the activeflow finds that of the platform."""
    activeflow_id = started(stage, {"type": "block"})
    stage.ask("POST", f"/v1/activeflows/{activeflow_id}/execute", **traceparent(FIRST))
    shown = str(stage.ask("GET", f"/v1/activeflows/{activeflow_id}/trace"))
    assert SPAN in shown
    assert FIRST in shown
