"""The stub managers on a broker: they answer requests, emit events, ask flow-manager, misbehave and end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest

from flowmanager.errors import PeerError, PeerGarbled, PeerTimeout
from flowmanager.ports import Ask
from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.run import ServedStubs, serve_stubs
from flowmanager.transport.link import Link
from flowmanager.transport.names import Names
from flowmanager.transport.responder import Responder
from flowmanager.transport.session import Session
from flowmanager.transport.subscriber import Subscriber

FLOW, ENDED, CALL, QUEUE = (str(uuid4()) for _ in range(4))
SECONDS = 10.0


class Corner:
    """Stubs under names of their own, a client, and a flow-manager that accepts everything and keeps what it gets."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.names = Names(f"test-{uuid4().hex}")
        self.heard: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.told: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.flow_manager = Responder(url, (self.names.request,), self.accept)
        self.event_queue = Responder(url, (self.names.event,), self.keep)
        assert self.flow_manager.start()
        assert self.event_queue.start()
        self.stubs = serve_stubs(url, names=self.names)

    def accept(self, _queue: str, envelope: dict[str, Any]) -> dict[str, Any]:
        self.heard.put(envelope)
        if envelope["uri"] == f"/v1/activeflows/{ENDED}/forward_action_id":
            return {"status_code": 409, "data_type": "", "data": {}}
        return {"status_code": 200, "data_type": "application/json"}

    def keep(self, _queue: str, envelope: dict[str, Any]) -> None:
        self.told.put(envelope)

    def close(self) -> None:
        self.stubs.stop()
        for responder in (self.flow_manager, self.event_queue):
            responder.stop()
        with closing(Session(self.url)) as session:
            channel = session.channel()
            for queue in (self.names.request, self.names.event, *map(self.names.request_queue, self.stubs.stubs)):
                channel.queue_delete(queue)
            for exchange in () if session.embedded else map(self.names.event_exchange, self.stubs.stubs):
                channel.exchange_delete(exchange)


@pytest.fixture(params=["memory", "rabbitmq"])
def url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("rabbitmq_address"))


@pytest.fixture
def corner(url: str) -> Iterator[Corner]:
    with closing(Corner(url)) as opened:
        yield opened


@pytest.fixture
def link(corner: Corner) -> Iterator[Link]:
    with closing(Session(corner.url)) as session:
        yield Link(session, names=corner.names)


def ask(peer: str, method: str, uri: str, body: Any = None, *, seconds: float = 5.0) -> Ask:
    return Ask(peer=peer, method=method, uri=uri, body=body, seconds=seconds, key=str(uuid4()))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = monotonic() + SECONDS
    while not holds():
        assert monotonic() < deadline, "did not become true in time"
        sleep(0.01)


def test_every_stub_answers(corner: Corner, link: Link) -> None:
    for manager in corner.stubs.stubs:
        with pytest.raises(PeerError) as caught:
            link.rpc.call(ask(manager, "GET", "/v1/nothing"))
        assert caught.value.typed is not None
        assert caught.value.typed["domain"] == f"{manager}-manager"
    assert len(corner.stubs.requests()) == len(corner.stubs.stubs)


def test_a_talk_is_reported_done_on_the_event_queue(corner: Corner, link: Link) -> None:
    action = {"id": QUEUE, "type": "talk", "option": {"text": "hi"}}
    body = {"activeflow_id": FLOW, "action": action}
    assert link.rpc.call(ask("call", "POST", f"/v1/calls/{CALL}/actions", body)) is None
    assert corner.told.get(timeout=SECONDS) == {
        "type": "media",
        "call_id": CALL,
        "event": "done",
        "data": {"action_id": QUEUE, "activeflow_id": FLOW},
    }


def test_events_come_on_the_exchange_of_their_manager(corner: Corner) -> None:
    with closing(Subscriber(corner.url, exchange=corner.names.event_exchange("call"))) as subscriber:
        corner.stubs.hang_up(CALL)
        event = next(subscriber.events(seconds=SECONDS))
    assert (event["type"], event["publisher"], event["data"]["id"]) == ("call_hangup", "call-manager", CALL)


def test_a_queue_asks_flow_manager_before_it_answers_and_when_an_agent_is_found(corner: Corner, link: Link) -> None:
    corner.stubs.queue(QUEUE, QueuePlan(wait_flow_id=FLOW, agent_after=0.01))
    body = {"queue_id": QUEUE, "activeflow_id": FLOW, "reference_type": "call", "reference_id": CALL}
    service = link.rpc.call(ask("queue", "POST", "/v1/services/type/queuecall", body))
    assert corner.heard.get_nowait()["data"]["variables"]["voipbin.queuecall.id"] == service["id"]
    link.rpc.call(ask("queue", "POST", f"/v1/queuecalls/{service['id']}/status_waiting"))
    forward = corner.heard.get(timeout=SECONDS)
    assert (forward["method"], forward["publisher"]) == ("PUT", "stub-managers")
    assert forward["data"] == {"forward_action_id": service["push_actions"][2]["id"], "forward_now": True}


def test_a_queue_gives_up_when_flow_manager_refuses(corner: Corner, link: Link) -> None:
    corner.stubs.queue(QUEUE, QueuePlan(wait_flow_id=FLOW, agent_after=0.01))
    body = {"queue_id": QUEUE, "activeflow_id": ENDED, "reference_type": "call", "reference_id": CALL}
    service = link.rpc.call(ask("queue", "POST", "/v1/services/type/queuecall", body))
    link.rpc.call(ask("queue", "POST", f"/v1/queuecalls/{service['id']}/status_waiting"))
    eventually(lambda: corner.stubs.sent[-1].body["type"] == "queuecall_abandoned")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("fail=503", PeerError),
        ("silent", PeerTimeout),
        ("lost", PeerTimeout),
        ("nonsense", PeerGarbled),
        ("nonsense=list", PeerGarbled),
        ("delay=0.5", PeerTimeout),
    ],
)
def test_faults_reach_the_client(link: Link, fault: str, error: type[Exception]) -> None:
    rules = {"rules": [f"message * * {fault} times=1"]}
    link.rpc.call(ask("email", "POST", "/v1/stub/rules", rules))
    with pytest.raises(error):
        link.rpc.call(ask("message", "POST", "/v1/messages", {}, seconds=0.2))
    assert link.rpc.call(ask("message", "POST", "/v1/messages", {}))["id"]


def test_a_slow_queue_does_not_slow_calls(corner: Corner, link: Link) -> None:
    corner.stubs.rule("queue * * delay=60")
    with pytest.raises(PeerTimeout):
        link.rpc.call(ask("queue", "GET", f"/v1/queuecalls/{QUEUE}", seconds=0.01))
    assert link.rpc.call(ask("call", "GET", f"/v1/calls/{CALL}", seconds=30.0))["id"] == CALL


def test_stubs_end_with_all_their_threads(url: str) -> None:
    before = set(threading.enumerate())
    corner = Corner(url)
    corner.stubs.hang_up(CALL)
    assert len(threading.enumerate()) > len(before)
    corner.close()
    eventually(lambda: set(threading.enumerate()) <= before)


def test_a_flow_manager_that_is_away_costs_a_moment_only(url: str) -> None:
    names = Names(f"test-{uuid4().hex}")
    stubs: ServedStubs = serve_stubs(url, names=names, rules=["email * * fail=500"], speed=10)
    try:
        body = {"queue_id": QUEUE, "activeflow_id": FLOW, "reference_id": CALL}
        reply = stubs.answer("queue", {"method": "POST", "uri": "/v1/services/type/queuecall", "data": body})
        assert reply["data"]["push_actions"][0]["type"] == "sleep"
        assert stubs.answer("email", {"method": "POST", "uri": "/v1/emails"})["status_code"] == 500
    finally:
        stubs.stop()
