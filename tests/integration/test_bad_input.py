"""Bad input on a real worker with one thread: each message gets a typed answer, changes nothing, and harms nobody."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen
from uuid import UUID, uuid4

import amqp
import orjson
import pytest
from sqlalchemy import Engine, create_engine, text
from structlog.testing import capture_logs

from flowmanager.bootstrap import all_subscriptions
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.lane import Lane, LaneOptions
from flowmanager.transport.session import Session
from tests.broker_room import eventually, open_room, stop_lane
from tests.integration.bad_bodies import (
    FORMS,
    NO_ENVELOPES,
    NO_EVENTS,
    NO_LISTS,
    NO_ROUTES,
    UNKNOWN_EVENTS,
    Form,
    Json,
    envelope,
    odd_events,
)
from tests.integration.raw_properties import STRANGE, UNREADABLE, message
from tests.processes import Client, Installation, Program, act, free_port, migrated
from tests.services import Services

SECONDS = 20.0
TABLES = ("flows", "activeflows", "executed_actions", "outbox")
"""What must not change; the answers to refused requests may be kept for repeats of them."""


@dataclass
class Sender:
    """Sends messages with whatever properties, and gets the answers on a queue of its own."""

    installation: Installation
    session: Session
    replies: str = field(default_factory=lambda: f"test-replies-{uuid4().hex}")

    def __post_init__(self) -> None:
        self.channel = self.session.channel()
        self.channel.queue_declare(self.replies, exclusive=True)
        self.inbox = Inbox(self.session, (self.replies,))

    def publish(self, message: amqp.Message, *, queue: str = "") -> None:
        """Put a message into a queue, the one of requests if no other is named."""
        self.channel.basic_publish(message, routing_key=queue or self.installation.names.request)

    def size(self, queue: str) -> int:
        """How many messages wait in a queue."""
        return int(self.channel.queue_declare(queue, passive=True).message_count)

    def get(self, queue: str) -> amqp.Message:
        """Take the first message out of a queue."""
        return self.channel.basic_get(queue, no_ack=True)

    def put(self, body: bytes, *, queue: str = "", **properties: Any) -> None:
        """Put a message into a queue, the one of requests if no other is named."""
        self.publish(amqp.Message(body, **properties), queue=queue)

    def ask(self, body: bytes, **properties: Any) -> Json:
        """Send a request and return the answer."""
        self.put(body, **{"reply_to": self.replies, **properties})
        return self.answer()

    def answer(self) -> Json:
        """The next answer."""
        delivery = self.inbox.take(SECONDS)
        assert delivery is not None, "no answer"
        self.inbox.ack(delivery)
        answer: Json = orjson.loads(delivery.body)
        return answer


@dataclass
class Place:
    """A served installation with one flow and one activeflow that waits on its second action."""

    installation: Installation
    client: Client
    sender: Sender
    database: Engine
    port: int
    flow: Json = field(default_factory=dict)
    activeflow: str = ""
    before: Any = None

    def prepare(self) -> None:
        """Make what requests may be about."""
        self.flow = self.client.flow([act("answer", "first"), act("talk", text="hello")])
        self.activeflow = self.client.activeflow(self.flow)
        for _ in range(2):
            current = self.client.show(self.activeflow)["current_action"]["id"]
            self.client.ask("GET", f"/v1/activeflows/{self.activeflow}/next", {"current_action_id": current})
        self.remember()

    def remember(self) -> None:
        """Take what is there now for the state that nothing may change."""
        eventually(lambda: self.rows()["outbox"] == 0)
        self.before = self.state()

    def forget(self, *activeflow_ids: str) -> None:
        """Remove activeflows."""
        with self.database.begin() as connection:
            for activeflow_id in activeflow_ids:
                binary = {"id": UUID(activeflow_id).bytes}
                connection.execute(text("DELETE FROM activeflows WHERE id = :id"), binary)
                connection.execute(text("DELETE FROM executed_actions WHERE activeflow_id = :id"), binary)

    def filled(self, value: Any) -> Any:
        """A request with the ids of what is here."""
        filled = json.dumps(value)
        action = self.flow["actions"][0]["id"]
        for name, known in (("{flow}", self.flow["id"]), ("{activeflow}", self.activeflow), ("{action}", action)):
            filled = filled.replace(name, known)
        return json.loads(filled)

    def rows(self) -> dict[str, Any]:
        """How many rows there are."""
        with self.database.connect() as connection:
            return {table: connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar() for table in TABLES}

    def state(self) -> Any:
        """How many rows there are, and the whole record."""
        return self.rows(), self.client.show(self.activeflow)

    def counted(self, metric: str) -> float:
        """A value of the metrics page."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=SECONDS) as page:
            values = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if line[0] != "#")
        return float(values.get(metric, 0))

    def check_untouched(self) -> None:
        """Nothing was stored and the worker answers."""
        assert self.state() == self.before

    def refuses(self, body: bytes, status_code: int, *, reason: str = "", **properties: Any) -> Json:
        """See that a request gets a typed error, and the next one its answer."""
        answer = self.sender.ask(body, **properties)
        assert answer["status_code"] == status_code, answer
        assert answer["data_type"] == "voipbin_error"
        assert reason in ("", answer["data"]["reason"])
        assert answer["data"]["domain"] == "flow-manager"
        assert len(str(answer)) < 3000
        return answer


@pytest.fixture(scope="module")
def installation(services: Services) -> Iterator[Installation]:
    with migrated(services) as made:
        yield made


@pytest.fixture(scope="module")
def port() -> int:
    """A free port for the metrics page."""
    return free_port()


@pytest.fixture(scope="module")
def worker(installation: Installation, port: int) -> Iterator[Program]:
    """One thread for requests and one for each queue of events: one that dies is missed at once."""
    listen = f"127.0.0.1:{port}"
    program = installation.serve(threads=1, PROMETHEUS_ENDPOINT="/metrics", PROMETHEUS_LISTEN_ADDRESS=listen)
    yield program
    assert program.stop() == 0
    assert not [line for line in program.logs() if "exception" in line or line["event"] == "request_failed"]
    assert "Traceback" not in program.err


@pytest.fixture(scope="module")
def shared(installation: Installation, worker: Program, port: int) -> Iterator[Place]:
    del worker  # serves
    database = create_engine(installation.dsn)
    with closing(Session(installation.url, heartbeat=0)) as session:
        place = Place(installation, installation.client(), Sender(installation, session), database, port)
        place.prepare()
        yield place
    database.dispose()


@pytest.fixture
def place(shared: Place) -> Iterator[Place]:
    yield shared
    shared.check_untouched()


@pytest.mark.parametrize("name", NO_ENVELOPES)
def test_what_is_no_envelope_is_refused(place: Place, name: str) -> None:
    """A body that is not the JSON of a request is answered 400."""
    place.refuses(NO_ENVELOPES[name], 400, reason="INVALID_ENVELOPE")


@pytest.mark.parametrize("name", NO_ROUTES)
def test_unknown_uri_or_method_is_refused(place: Place, name: str) -> None:
    """What no route is for is answered 404."""
    method, uri = NO_ROUTES[name]
    place.refuses(envelope(method, uri, {}), 404, reason="ROUTE_NOT_FOUND")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.method} {form.uri}")
def test_wrong_body_is_refused(place: Place, form: Form) -> None:
    """One wrong field, or no object at all, is answered 400; nothing of the rest is stored."""
    bodies = [place.filled([form.uri, body]) for body in form.bodies()]
    answers = [place.sender.ask(envelope(form.method, uri, body)) for uri, body in bodies]
    accepted = [
        (str(body)[:200], answer)
        for (_, body), answer in zip(bodies, answers, strict=True)
        if answer["status_code"] != 400 or answer["data_type"] != "voipbin_error"
    ]
    assert accepted == []


@pytest.mark.parametrize("kind", ["flows", "activeflows"])
@pytest.mark.parametrize("name", NO_LISTS)
def test_wrong_list_request_is_refused(place: Place, kind: str, name: str) -> None:
    """A page or a filter that means nothing is answered 400."""
    query, filters = NO_LISTS[name]
    place.refuses(envelope("GET", f"/v1/{kind}{query}", filters), 400, reason="INVALID_REQUEST")


@pytest.mark.parametrize(
    "value", ["' OR 1=1 --", "'; DROP TABLE flows; --", "%", "_", "\\", "\0", "\U0001f600", "x" * 9999]
)
@pytest.mark.parametrize("key", ["name", "detail", "direct_hash"])
def test_filter_is_compared_and_nothing_else(place: Place, key: str, value: str) -> None:
    """A filter's text is neither SQL nor a pattern."""
    assert place.client.ask("GET", "/v1/flows", {key: value}) == []


@pytest.mark.parametrize("value", ["a\0b", "\U0001f468\u200d\U0001f469", "\u202egnitset", "\ufffe", "'\"\\${}{{%s}}"])
def test_odd_text_comes_back_as_it_was(shared: Place, value: str) -> None:
    """Every text of JSON can be stored: in columns, in options and as name and value of a variable."""
    made = shared.client.flow([act("talk", text=value)], name=value, detail=value)
    assert [made["name"], made["detail"], made["actions"][0]["option"]["text"]] == [value] * 3
    assert shared.client.ask("GET", "/v1/flows", {"name": value})[0]["id"] == made["id"]
    activeflow_id = shared.client.activeflow(made, variables={f"k{value}": value})
    assert shared.client.show(activeflow_id)["variables"][f"k{value}"] == value
    shared.remember()


def test_answer_that_the_broker_would_refuse_is_an_error(shared: Place) -> None:
    """A list larger than a message may be is refused, once and for all; a smaller page is answered."""
    for _ in range(5):
        shared.client.flow([act("talk", text="x" * 3_900_000)], name="large")
    refused = shared.sender.ask(envelope("GET", "/v1/flows", {"name": "large"}))
    assert (refused["status_code"], refused["data"]["reason"]) == (400, "ANSWER_TOO_LARGE")
    assert len(shared.client.ask("GET", "/v1/flows?page_size=2", {"name": "large"})) == 2
    shared.remember()


def test_flow_that_multiplies_itself_is_ended(shared: Place) -> None:
    """A loop whose options would fill the memory is ended like one that never pauses; the worker stays small."""
    grown = "${large}" * 30
    actions = [
        act("variable_set", key="large", value="x" * 32_000),
        act("variable_set", "again", key="larger", value=grown),
        act("goto", target_id="again"),
    ]
    activeflow_id = shared.client.activeflow(shared.client.flow(actions))
    shared.client.ask("POST", f"/v1/activeflows/{activeflow_id}/execute")
    shown = shared.client.until_ended(activeflow_id)
    assert shown["ended_reason"] == "limit_iterations"
    assert "bytes of options" in shown["error"]["message"]
    shared.remember()


@pytest.mark.parametrize("name", STRANGE)
def test_strange_properties_do_not_matter(place: Place, name: str) -> None:
    """A good request is answered whatever else is written on the message."""
    body = envelope("GET", f"/v1/flows/{place.flow['id']}")
    place.sender.publish(message(body, place.sender.replies, STRANGE[name]))
    assert place.sender.answer()["data"]["id"] == place.flow["id"]


@pytest.mark.parametrize("name", UNREADABLE)
def test_request_with_unreadable_properties_is_put_aside(place: Place, name: str) -> None:
    """A message whose properties cannot be decoded is kept for a person; it neither stops nor blocks the worker."""
    names, body = place.installation.names, envelope("GET", f"/v1/flows/{place.flow['id']}")
    place.sender.publish(message(body, place.sender.replies, UNREADABLE[name]))
    place.check_untouched()
    eventually(lambda: place.sender.size(names.dead) == 1)
    parked = place.sender.get(names.dead)
    assert parked.body == body
    assert parked.properties["application_headers"]["x-queue"] == names.request


def test_compressed_body_is_not_unpacked(place: Place) -> None:
    """A header cannot have a small body grow to any size before its size is checked."""
    packed = gzip.compress(envelope("GET", "/v1/flows"))
    place.refuses(packed, 400, reason="INVALID_ENVELOPE", application_headers={"compression": "application/x-gzip"})


def test_body_is_not_decoded_by_the_senders_codec(place: Place) -> None:
    """Whatever encoding a sender names, the body is the UTF-8 of JSON."""
    place.refuses(rb"\ud800", 400, reason="INVALID_ENVELOPE", content_encoding="unicode_escape")


@pytest.mark.parametrize("name", ["", "nowhere", "amq.rabbitmq.reply-to.g1h2.AA==", "x" * 255])
def test_answer_that_nobody_waits_for_is_dropped(place: Place, name: str) -> None:
    """A request with no place for the answer, or one that does not exist, harms nobody; it is carried out."""
    place.sender.put(envelope("GET", "/v1/flows"), reply_to=name)
    place.sender.put(NO_ENVELOPES["list"], reply_to=name)


def test_answer_that_comes_back_as_a_request_ends_there(place: Place) -> None:
    """A request whose answers go to our own queues does not make us talk to ourselves."""
    names = place.installation.names
    for queue in names.queues:
        place.sender.put(envelope("GET", "/v1/flows"), reply_to=queue)
    eventually(lambda: not any(map(place.sender.size, names.queues)))
    eventually(lambda: place.sender.size(names.dead) == 2)  # an answer is no event
    place.sender.channel.queue_purge(names.dead)


@pytest.mark.parametrize("queue", ["event", "subscribe"])
def test_what_is_no_event_is_counted_and_put_aside(place: Place, queue: str) -> None:
    """Rubbish on an event queue is counted and parked with its reason, and the events after it are handled."""
    dead = place.installation.names.dead
    before = place.counted('flow_manager_malformed_total{queue="event"}')
    rubbish = [*NO_ENVELOPES.values(), *NO_EVENTS.values()]
    for body in rubbish:
        place.sender.put(body, queue=getattr(place.installation.names, queue))
    eventually(lambda: place.counted('flow_manager_malformed_total{queue="event"}') == before + len(rubbish))
    eventually(lambda: place.sender.size(dead) == len(rubbish))
    check_only_malformed(place)
    check_events_arrive(place, queue)


@pytest.mark.parametrize("queue", ["event", "subscribe"])
def test_event_with_unreadable_properties_is_put_aside(place: Place, queue: str) -> None:
    """An event whose properties cannot be decoded is kept for a person, and the events after it are handled."""
    names = place.installation.names
    for given in UNREADABLE.values():
        place.sender.publish(message(b"{}", "nowhere", given), queue=getattr(names, queue))
    eventually(lambda: place.sender.size(names.dead) == len(UNREADABLE))
    place.sender.channel.queue_purge(names.dead)
    check_events_arrive(place, queue)


@pytest.mark.parametrize("queue", ["event", "subscribe"])
def test_odd_events_change_nothing(place: Place, queue: str) -> None:
    """Unknown events, and known ones with every kind of wrong data, are without effect; no fault of ours shows."""
    names = place.installation.names
    known = [body for source, name in sorted(all_subscriptions()) for body in odd_events(source, name)]
    for body in (*UNKNOWN_EVENTS.values(), *known):
        place.sender.put(body, queue=getattr(names, queue))
    eventually(lambda: not place.sender.size(getattr(names, queue)), seconds=30)
    check_events_arrive(place, queue)
    check_only_malformed(place)


def check_only_malformed(place: Place) -> None:
    """Empty the dead queue: what is there cannot be read; the program failed on none of it."""
    while (parked := place.sender.get(place.installation.names.dead)) is not None:
        assert parked.properties["application_headers"]["x-reason"].startswith("malformed: ")


def check_events_arrive(place: Place, queue: str) -> None:
    """The hang-up of a call on that queue ends its activeflow, which is then removed without a trace."""
    activeflow_id = place.client.activeflow(place.flow)
    call_id = place.client.show(activeflow_id)["reference_id"]
    hangup = {"type": "call_hangup", "publisher": "call-manager", "data": {"id": call_id}}
    place.sender.put(json.dumps(hangup).encode(), queue=getattr(place.installation.names, queue))
    assert place.client.until_ended(activeflow_id)["ended_reason"] == "reference_ended"
    eventually(lambda: place.rows()["outbox"] == 0)
    place.forget(activeflow_id)


def test_lane_outlives_a_fault_of_ours(rabbitmq_address: str) -> None:
    """Whatever goes wrong while a thread prepares its connection, it tries again."""
    faults = [RuntimeError("a fault of ours")]

    def prepare(session: Session) -> None:
        del session
        if faults:
            raise faults.pop()

    with open_room(rabbitmq_address) as room, capture_logs() as logs:
        options = LaneOptions(names=room.names, prepare=prepare, redial=0.01)
        lane = Lane(rabbitmq_address, room.names.request, lambda *_: None, options=options)
        lane.start()
        assert lane.ready.wait(SECONDS)
        stop_lane(lane)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["lane_failed"]
