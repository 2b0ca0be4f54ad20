"""One customer's flood and the requests of another, as worker processes on real servers."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import orjson
import pytest

from flowmanager.core.ids import START
from flowmanager.entrance import Entrance
from flowmanager.ports import Ask
from flowmanager.schemas.envelopes import decode_request
from flowmanager.transport.envelope import Letter, crowd_letter, request_body
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.desk import Desk, new_id, talk
from tests.processes import Client, Installation, Program, act, free_port, migrated
from tests.services import Services

SECONDS = 90.0
FLOOD = 300
THREADS = 4

Json = dict[str, Any]


@pytest.fixture
def installation(services: Services) -> Iterator[Installation]:
    with migrated(services) as made:
        yield made


@dataclass
class Flooder:
    """A customer who asks for much at once, each request once, and collects the answers."""

    session: Session
    queue: str
    flow: Json
    answers: dict[str, list[Json]] = field(default_factory=dict)
    reply_to: str = field(default_factory=lambda: f"test-{uuid4().hex}")
    ids: list[str] = field(default_factory=lambda: [str(uuid4()) for _ in range(FLOOD)])
    """Of the activeflows that are to be made."""

    def __post_init__(self) -> None:
        self.channel = self.session.channel()
        self.channel.queue_declare(self.reply_to, durable=False, exclusive=True)
        self.channel.basic_consume(self.reply_to, no_ack=True, callback=self.keep)

    def keep(self, message: Any) -> None:
        """Take an answer."""
        self.answers.setdefault(message.properties["correlation_id"], []).append(orjson.loads(message.body))

    def letter(self, activeflow_id: str, **properties: Any) -> Letter:
        """The request for one activeflow."""
        wanted = {
            "id": activeflow_id,
            "customer_id": self.flow["customer_id"],
            "flow_id": self.flow["id"],
            "reference_type": "call",
            "reference_id": str(uuid4()),
        }
        body = request_body(Ask(peer="flow", method="POST", uri="/v1/activeflows", body=wanted), publisher="tests")
        addresses = {"reply_to": self.reply_to, "correlation_id": activeflow_id, "delivery_mode": 2}
        return Letter(body=body, routing_key=self.queue, properties={**addresses, **properties})

    def ask(self) -> None:
        """Ask for all of it; returns when the broker has it."""
        self.send([self.letter(one) for one in self.ids])

    def send(self, letters: Sequence[Letter]) -> None:
        """Send requests."""
        LanePublisher(self.session, confirm_seconds=SECONDS).send(letters)

    def look(self) -> int:
        """Take the answers that have come by now and return how many requests have one."""
        before = -1
        while before != (before := sum(map(len, self.answers.values()))):
            self.session.drain(0.001)
        return len(self.answers)

    def complete(self) -> bool:
        """Say whether every request has an answer; each is the one that belongs to it."""
        if self.look() < len(self.ids):
            return False
        assert all(answer["status_code"] == 200 for answers in self.answers.values() for answer in answers)
        assert {answer["data"]["id"] for one in self.answers.values() for answer in one} == set(self.ids)
        return True


@dataclass
class Scene:
    """Two customers of one installation."""

    installation: Installation
    client: Client
    flooder: Flooder
    quiet_customer: str
    quiet: str
    """An activeflow of the customer who asks for little."""

    def question(self) -> Letter:
        """The quiet customer asks for the next action; the answer comes where the others come."""
        uri, data = f"/v1/activeflows/{self.quiet}/next", {"current_action_id": START}
        body = request_body(Ask(peer="flow", method="GET", uri=uri, body=data))
        properties = {"reply_to": self.flooder.reply_to, "correlation_id": self.quiet}
        return Letter(body=body, routing_key=self.flooder.queue, properties=properties)

    def made(self) -> Counter[str]:
        """How often each activeflow of the flood is there."""
        wanted = {"customer_id": self.flooder.flow["customer_id"]}
        return Counter(one["id"] for one in self.client.ask("GET", "/v1/activeflows?page_size=1000", wanted))


def flow_of(client: Client, customer_id: str) -> Json:
    """A stored flow of a customer."""
    made: Json = client.ask(
        "POST", "/v1/flows", {"customer_id": customer_id, "persist": True, "actions": [act("answer"), act("stop")]}
    )
    return made


@pytest.fixture
def scene(installation: Installation) -> Iterator[Scene]:
    """Two customers; whoever serves has seen neither of them."""
    program = installation.serve(threads=1)
    client = installation.client()
    quiet_customer = str(uuid4())
    quiet = client.activeflow(flow_of(client, quiet_customer))
    flow = flow_of(client, str(uuid4()))
    assert program.stop() == 0
    with closing(Session(installation.url)) as session:
        yield Scene(installation, client, Flooder(session, installation.names.request, flow), quiet_customer, quiet)


def serve(scene: Scene, *, seen: bool = True, **settings: str) -> tuple[Program, int]:
    """Start a worker; return it and the port of its pages. `seen`: it has seen the quiet customer."""
    port = free_port()
    settings |= {"PROMETHEUS_ENDPOINT": "/metrics", "PROMETHEUS_LISTEN_ADDRESS": f"127.0.0.1:{port}"}
    program = scene.installation.serve(processes=1, threads=THREADS, **settings)
    if seen:
        scene.client.show(scene.quiet)
        scene.client.ask("GET", "/v1/flows", {"customer_id": scene.quiet_customer})
    return program, port


def asked_behind(scene: Scene, program: Program) -> int:
    """Put the flood into the queue and one question of the quiet customer behind it; let the worker see them then.

    Return how many of the flood's answers came before the one to that question. Returns when all have come.
    """
    program.tell(signal.SIGSTOP)
    scene.flooder.ask()
    scene.flooder.send([scene.question()])
    program.tell(signal.SIGCONT)
    eventually(lambda: scene.flooder.look() == FLOOD + 1, seconds=SECONDS)
    order = list(scene.flooder.answers)
    (answer,) = scene.flooder.answers.pop(scene.quiet)
    assert answer["data"]["type"] == "answer"
    assert scene.flooder.complete()
    return order.index(scene.quiet)


def moved(port: int) -> int:
    """How many requests a worker has moved."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as page:
        lines = page.read().decode().splitlines()
    return int(next(float(line.split()[1]) for line in lines if line.startswith("flow_manager_crowd_moved_total ")))


def test_a_flood_does_not_hold_up_another_customer(scene: Scene) -> None:
    """Who asks behind 300 requests of one customer is answered before most of them are; each of them is, once."""
    program, port = serve(scene)
    assert asked_behind(scene, program) < FLOOD / 2
    assert 0 < moved(port) < FLOOD
    told = program.logs("customer_crowds")
    assert [line["customer_id"] for line in told] == [scene.flooder.flow["customer_id"]]
    assert program.stop() == 0
    scene.flooder.look()
    assert len(scene.flooder.answers) == FLOOD
    assert [len(answers) for answers in scene.flooder.answers.values()] == [1] * FLOOD


def test_who_switches_it_off_is_served_in_the_order_of_arrival(scene: Scene) -> None:
    """Then the same question is answered when most of what came before it is."""
    program, port = serve(scene, FLOWMANAGER_FAIR="false")
    assert asked_behind(scene, program) > FLOOD - 2 * THREADS
    assert moved(port) == 0
    assert program.stop() == 0


def test_nothing_is_moved_where_one_customer_is(scene: Scene) -> None:
    """There is nobody to make room for."""
    _, port = serve(scene, seen=False)
    scene.flooder.ask()
    eventually(scene.flooder.complete, seconds=SECONDS)
    assert moved(port) == 0


def test_a_kill_while_requests_are_moved_loses_none(scene: Scene) -> None:
    """Some wait in one queue, some in the other, some in both: each is carried out once, and all its answers agree."""
    program, port = serve(scene)
    scene.flooder.ask()
    eventually(lambda: moved(port) > FLOOD / 10)
    program.kill()
    assert not scene.flooder.complete()
    serve(scene, seen=False)
    eventually(scene.flooder.complete, seconds=SECONDS)
    assert scene.made() == Counter(scene.flooder.ids)
    assert all(answer == answers[0] for answers in scene.flooder.answers.values() for answer in answers)


def test_a_request_in_both_queues_is_carried_out_once(scene: Scene) -> None:
    """As a kill between the copy and its acknowledgement leaves it; the answer that is kept is given again."""
    flooder, names = scene.flooder, scene.installation.names
    flow = {"customer_id": flooder.flow["customer_id"], "persist": True, "name": "twice", "actions": [act("stop")]}
    body = request_body(Ask(peer="flow", method="POST", uri="/v1/flows", body=flow))
    properties = {"reply_to": flooder.reply_to, "correlation_id": "1"}
    flooder.send(
        [Letter(body=body, routing_key=queue, properties=properties) for queue in (names.request, names.crowd)]
    )
    serve(scene)
    eventually(lambda: flooder.look() == 1 and len(flooder.answers["1"]) == 2)
    first, second = flooder.answers["1"]
    assert first == second
    assert first["status_code"] == 200
    stored = scene.client.ask("GET", "/v1/flows", {"customer_id": flow["customer_id"], "name": "twice"})
    assert [one["id"] for one in stored] == [first["data"]["id"]]


@pytest.fixture
def door(desk: Desk) -> Desk:
    """A worker one of whose customers occupies as many lanes as it may, while another is there."""
    desk.requests = replace(
        desk.requests, entrance=Entrance(desk.engine, partial(decode_request, limit=1000, depth=10))
    )
    desk.engine.crowd.enter(new_id())
    for _ in range(desk.engine.crowd.most):
        desk.engine.crowd.enter(desk.customer_id)
    return desk


def test_what_crowds_is_moved_as_it_came(door: Desk) -> None:
    """Nobody is answered yet."""
    status, _ = door.get("/v1/flows", {"customer_id": door.customer_id}, message_id="m", headers={"traceparent": "t"})
    assert status == 0
    (moved,) = door.outside.moved
    letter = crowd_letter(moved)
    assert letter.body == moved.body
    assert letter.routing_key == "bin-manager.flow-manager.crowd"
    assert letter.mandatory
    assert letter.headers == {"traceparent": "t"}
    wanted = {"message_id": "m", "reply_to": "caller", "correlation_id": moved.correlation_id, "delivery_mode": 2}
    assert letter.properties == wanted


def test_others_are_let_in(door: Desk) -> None:
    assert door.get("/v1/flows", {"customer_id": new_id()}).status == 200
    assert door.get(f"/v1/flows/{new_id()}").status == 404
    assert not door.outside.moved


def test_what_is_delivered_again_is_handled(door: Desk) -> None:
    """Its turn may have begun, and only this message says so."""
    assert door.get("/v1/flows", {"customer_id": door.customer_id}, redelivered=True).status == 200
    assert not door.outside.moved


def test_the_customer_of_an_activeflow_that_others_made_is_looked_up(desk: Desk, door: Desk) -> None:
    """Only where it matters: the URI names no customer."""
    run = desk.colleague().start(talk("hello"))
    assert run.desk is not door
    assert door.get(run.uri).status == 0
    assert len(door.outside.moved) == 1


def test_what_is_let_in_leaves_again(door: Desk) -> None:
    """Refused or not."""
    other = new_id()
    for _ in range(20):
        assert door.get("/v1/flows", {"customer_id": other}).status == 200
        assert door.post("/v1/flows", {"customer_id": other, "actions": 1}).status == 400
