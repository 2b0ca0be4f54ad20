"""Bad input on a real worker with one thread: each message gets a typed answer, changes nothing, and harms nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import amqp
import orjson
import pytest
from sqlalchemy import Engine, create_engine, text

from flowmanager.transport.inbox import Inbox
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.integration.bad_bodies import FORMS, NO_ENVELOPES, NO_LISTS, NO_ROUTES, Form, Json, envelope
from tests.integration.raw_properties import STRANGE, UNREADABLE, message
from tests.processes import CUSTOMER, Client, Installation, Program, act, migrated
from tests.services import Services

SECONDS = 20.0
TABLES = ("flows", "activeflows", "executed_actions", "outbox", "answers")


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
        self.before = self.state()

    def filled(self, value: Any) -> Any:
        """A request with the ids of what is here."""
        filled = json.dumps(value)
        action = self.flow["actions"][0]["id"]
        for name, known in (("{flow}", self.flow["id"]), ("{activeflow}", self.activeflow), ("{action}", action)):
            filled = filled.replace(name, known)
        return json.loads(filled)

    def state(self) -> Any:
        """How many rows there are, and the whole record."""
        with self.database.connect() as connection:
            counts = {table: connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar() for table in TABLES}
        return counts, self.client.show(self.activeflow)

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
def worker(installation: Installation) -> Iterator[Program]:
    """One thread for requests and one for each queue of events: one that dies is missed at once."""
    program = installation.serve(threads=1, PROMETHEUS_ENDPOINT="/metrics", PROMETHEUS_LISTEN_ADDRESS="127.0.0.1:39473")
    yield program
    assert program.stop() == 0
    assert not [line for line in program.logs() if "exception" in line or line["event"] == "request_failed"]
    assert "Traceback" not in program.err


@pytest.fixture(scope="module")
def shared(installation: Installation, worker: Program) -> Iterator[Place]:
    del worker  # serves
    database = create_engine(installation.dsn)
    with closing(Session(installation.url, heartbeat=0)) as session:
        place = Place(installation, installation.client(), Sender(installation, session), database)
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
