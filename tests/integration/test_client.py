"""The client against a real worker on RabbitMQ and MySQL: every method, many threads, lost answers, lost brokers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from flowmanager.client import (
    Action,
    ActionNotFound,
    ActiveflowEnded,
    ActiveflowEvent,
    ActiveflowNotFound,
    ClientClosed,
    ConnectionLost,
    FlowEvent,
    FlowManagerClient,
    FlowNotFound,
    InvalidActionType,
    NotFound,
    RetryPolicy,
    StaleAction,
    Timeout,
    Unavailable,
)
from flowmanager.client import Event as FlowManagerEvent
from flowmanager.transport.envelope import Letter
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.client_room import CUSTOMER, ClientRoom, serving, started, talk
from tests.proxy import Proxy, proxy_to
from tests.services import Services, private_database

BRISK = RetryPolicy(attempt_seconds=0.3)
PATIENCE = 60.0
CUTS = 20
SMS = Action(
    type="message_send",
    option={"source": {"target": "+1"}, "destinations": [{"target": "+2"}], "text": "hello"},
)


@pytest.fixture(scope="module")
def served(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientRoom]:
    with (
        private_database(services.database_dsn) as dsn,
        serving(dsn, services.rabbitmq_address, tmp_path_factory.mktemp("client")) as room,
    ):
        room.peer("direct", lambda *_: {"status_code": 200, "data": {"id": str(uuid4()), "hash": "h4sh"}})
        yield room


@pytest.fixture
def room(served: ClientRoom) -> Iterator[ClientRoom]:
    with ExitStack() as stack:
        yield replace(served, stack=stack)


@pytest.fixture(scope="module")
def client(served: ClientRoom) -> FlowManagerClient:
    return served.client(publisher="test")


@pytest.fixture
def proxy(room: ClientRoom) -> Iterator[Proxy]:
    parts = urlsplit(room.url)
    assert parts.hostname
    with proxy_to(parts.hostname, parts.port or 5672) as proxy:
        yield proxy


def through(proxy: Proxy, room: ClientRoom) -> str:
    return urlsplit(room.url)._replace(netloc=f"guest:guest@127.0.0.1:{proxy.port}").geturl()


class SlowPeer:
    """message-manager, as slow as a test wants it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = Event()

    def __call__(self, _queue: str, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request["request_id"])
        self.go.wait(2)
        return {"status_code": 200, "data": {}}


@pytest.fixture(scope="module")
def slow_peer(served: ClientRoom) -> SlowPeer:
    peer = SlowPeer()
    served.peer("message", peer)
    return peer


@pytest.fixture
def slow(slow_peer: SlowPeer) -> Iterator[SlowPeer]:
    slow_peer.asked.clear()
    slow_peer.go.clear()
    yield slow_peer
    slow_peer.go.set()


def test_flows_are_stored_changed_and_hidden(client: FlowManagerClient) -> None:
    customer = str(uuid4())
    made = client.flows.create(customer, name="front desk", actions=[talk("hi"), {"type": "hangup"}])
    assert client.flows.get(made.id) == made
    assert client.flows.action(made.id, made.actions[0].id) == made.actions[0]
    assert [action.type for action in client.flows.update_actions(made.id, [talk("bye")]).actions] == ["talk"]
    changed = client.flows.update(made.id, name="night", on_complete_flow_id=made.id)
    assert (changed.name, changed.actions, changed.on_complete_flow_id) == ("night", (), made.id)
    [warning] = changed.warnings
    assert (warning.rule, warning.path) == ("flow-cycle", "on_complete_flow_id")
    checked = client.flows.validate(customer, id=made.id, actions=[{"type": "dance"}], on_complete_flow_id=made.id)
    assert (checked.valid, [one.rule for one in checked.findings]) == (False, ["refused", "flow-cycle"])
    assert client.flows.regenerate_direct_hash(made.id).direct_hash == "h4sh"
    assert client.flows.count(customer) == 1
    assert client.flows.delete(made.id).tm_delete is not None
    assert client.flows.count(customer) == 0


def test_a_list_goes_through_all_pages(client: FlowManagerClient) -> None:
    customer = str(uuid4())
    made = [client.flows.create(customer, name=str(number)).id for number in range(5)]
    for size in (1, 2, 5, 100):
        assert [flow.id for flow in client.flows.list({"customer_id": customer}, page_size=size)] == made[::-1]
    assert [flow.id for flow in islice(client.flows.list({"customer_id": customer}, page_size=1), 2)] == made[:2:-1]
    assert list(client.flows.list({"customer_id": str(uuid4())}, timeout=5.0)) == []


def test_activeflows_are_created_shown_listed_and_ended(client: FlowManagerClient) -> None:
    flow, made = started(client, talk("hi"), variables={"name": "Dana"})
    assert client.activeflows.get(made.id).variables["name"] == "Dana"
    assert [one.id for one in client.activeflows.list({"flow_id": flow.id})] == [made.id]
    stopped = client.activeflows.stop(made.id)
    assert (stopped.ended, stopped.ended_reason) == (True, "stop_request")
    assert client.activeflows.delete(made.id).tm_delete is not None


def test_a_flow_is_walked_with_next(client: FlowManagerClient) -> None:
    _, made = started(client, talk("hi ${name}"), talk("bye"), variables={"name": "Dana"})
    action = client.activeflows.next(made.id)
    assert (action.type, action.option) == ("talk", {"text": "hi Dana"})
    action = client.activeflows.next(made.id, action.id)
    assert client.activeflows.next(made.id, action.id).finished
    assert [step.result for step in client.activeflows.get(made.id).executed_actions] == ["done", "done"]


def test_a_block_is_continued(client: FlowManagerClient) -> None:
    _, made = started(client, Action(type="block"), reference_type="conversation")
    assert client.activeflows.next(made.id).blocked
    client.activeflows.continue_(made.id, client.activeflows.get(made.id).current_action.id)
    eventually(lambda: client.activeflows.get(made.id).ended)


def test_execute_returns_at_once(client: FlowManagerClient) -> None:
    _, made = started(client, Action(type="variable_set", option={"key": "done", "value": "yes"}))
    client.activeflows.execute(made.id)
    eventually(lambda: client.activeflows.get(made.id).ended)
    assert client.variables.get(made.id)["done"] == "yes"


def test_frames_are_pushed_extended_and_released(client: FlowManagerClient) -> None:
    flow, made = started(client, talk("main"), talk("end"))
    first = client.activeflows.next(made.id)
    client.activeflows.push_actions(made.id, [talk("pushed")])
    pushed = client.activeflows.next(made.id, first.id)
    grown = client.activeflows.add_actions(made.id, [talk("added")])
    frames = client.activeflows.stacks(made.id)
    assert [len(frame.actions) for frame in frames] == [2, 2]
    assert (frames[1].parent_frame_id, frames[1].current_action) == (frames[0].frame_id, pushed)
    assert grown.stack_map[frames[1].frame_id].actions == frames[1].actions
    client.activeflows.service_stop(made.id, frames[1].frame_id)
    end = client.activeflows.next(made.id, pushed.id)
    client.activeflows.forward(made.id, flow.actions[0].id)
    assert client.activeflows.next(made.id, end.id).option == {"text": "main"}


def test_the_activeflows_of_a_conversation_are_listed_from_the_top(client: FlowManagerClient) -> None:
    talk_id = str(uuid4())
    flows = [client.flows.create(CUSTOMER, name=name) for name in ("below", "above")]
    create = client.activeflows.create
    made = [create(CUSTOMER, flow.id, reference_type="conversation", reference_id=talk_id) for flow in flows]
    listed = client.activeflows.on_reference("conversation", talk_id)
    assert [(one.id, one.active, one.state) for one in listed] == [
        (made[1].id, True, "created"),
        (made[0].id, False, "suspended"),
    ]


@pytest.mark.parametrize("name", ["plain", "with space", "a/b", "50%", "a+b", "ü?&#"])
def test_variables_of_any_name(client: FlowManagerClient, name: str) -> None:
    _, made = started(client)
    client.variables.set(made.id, {name: "1", "other": "2"})
    assert client.variables.substitute(made.id, "<${other}>") == "<2>"
    assert client.variables.get(made.id)[name] == "1"
    client.variables.delete(made.id, name)
    assert name not in client.variables.get(made.id)


def test_any_request_can_be_sent(client: FlowManagerClient) -> None:
    flow = client.flows.create(CUSTOMER, name="raw")
    assert client.request("GET", f"/v1/flows/{flow.id}")["name"] == "raw"
    with pytest.raises(NotFound) as caught:
        client.request("GET", "/v1/nowhere")
    assert (caught.value.status_code, caught.value.reason) == (404, "ROUTE_NOT_FOUND")


def test_errors_are_typed(client: FlowManagerClient) -> None:
    flow, made = started(client, talk("hi"))
    client.activeflows.next(made.id)
    with pytest.raises(FlowNotFound) as caught:
        client.flows.get(str(uuid4()))
    assert (caught.value.status_code, caught.value.reason, caught.value.domain) == (
        404,
        "FLOW_NOT_FOUND",
        "flow-manager",
    )
    with pytest.raises(ActionNotFound):
        client.flows.action(flow.id, str(uuid4()))
    with pytest.raises(ActiveflowNotFound):
        client.variables.get(str(uuid4()))
    with pytest.raises(StaleAction):
        client.activeflows.next(made.id)
    with pytest.raises(InvalidActionType) as invalid:
        client.flows.create(CUSTOMER, actions=[{"type": "dance"}])
    assert "dance" in str(invalid.value.details) + invalid.value.message
    client.activeflows.stop(made.id)
    with pytest.raises(ActiveflowEnded):
        client.activeflows.push_actions(made.id, [talk("late")])


def test_a_request_sent_again_by_its_id_gets_the_first_answer(room: ClientRoom, client: FlowManagerClient) -> None:
    name = str(uuid4())
    first = client.flows.create(CUSTOMER, name="one", request_id=name)
    assert room.client(publisher="test").flows.create(CUSTOMER, name="one", request_id=name) == first
    assert room.client(publisher="another").flows.create(CUSTOMER, name="one", request_id=name) != first


def test_twenty_threads_share_one_connection(room: ClientRoom, proxy: Proxy) -> None:
    client = room.client(through(proxy, room), timeout=PATIENCE)
    _, made = started(client)

    def press(number: int) -> str:
        for _ in range(10):
            client.variables.set(made.id, {"all": "${all}x", f"own{number}": f"${{own{number}}}y"})
        return client.variables.get(made.id)[f"own{number}"]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(press, range(20))) == ["y" * 10] * 20
    assert client.variables.get(made.id)["all"] == "x" * 200
    assert proxy.accepted == 1


def test_a_slow_request_holds_up_nobody(client: FlowManagerClient, slow: SlowPeer) -> None:
    _, made = started(client, SMS, talk("sent"))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.activeflows.next, made.id)
        eventually(lambda: len(slow.asked) == 1)
        assert client.activeflows.get(made.id).state == "executing"
        assert not waiting.done()
        slow.go.set()
        assert waiting.result().option == {"text": "sent"}


def test_an_answer_that_comes_after_the_repeat_is_taken(room: ClientRoom, slow: SlowPeer) -> None:
    client = room.client(retries=BRISK)
    _, made = started(client, SMS, talk("sent"))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.activeflows.next, made.id, timeout=8.0)
        sleep(1.0)
        slow.go.set()
        assert waiting.result().option == {"text": "sent"}
    assert len(slow.asked) == 1


def test_after_a_broken_connection_the_first_answer_is_given(room: ClientRoom, proxy: Proxy, slow: SlowPeer) -> None:
    client = room.client(through(proxy, room))
    _, made = started(client, SMS, talk("sent"))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.activeflows.next, made.id)
        eventually(lambda: len(slow.asked) == 1)
        proxy.cut()
        slow.go.set()
        assert waiting.result().option == {"text": "sent"}
    assert (len(slow.asked), client.activeflows.get(made.id).execute_count) == (1, 1)
    assert proxy.accepted == 2


def test_nothing_happens_twice_while_connections_break(room: ClientRoom, proxy: Proxy) -> None:
    policy = RetryPolicy(attempts=1000, attempt_seconds=0.5)
    client = room.client(through(proxy, room), timeout=PATIENCE, retries=policy)
    _, made = started(client)
    done = Event()

    def saboteur() -> None:
        cuts = 0
        while cuts < CUTS and not done.wait(0.15):
            proxy.cut()
            cuts += 1

    def press(_: int) -> None:
        for _ in range(10):
            client.variables.set(made.id, {"all": "${all}x"})

    with ThreadPoolExecutor(9) as pool:
        breaking = pool.submit(saboteur)
        list(pool.map(press, range(8)))
        done.set()
        breaking.result()
    assert client.variables.get(made.id)["all"] == "x" * 80


def test_without_an_answer_it_times_out(room: ClientRoom) -> None:
    session = Session(room.url)
    prefix = f"test-{uuid4().hex}"
    with session.guard():
        session.channel().queue_declare(f"{prefix}.flow-manager.request", exclusive=True)
    with FlowManagerClient(room.url, prefix=prefix, retries=BRISK) as client:
        began = monotonic()
        with pytest.raises(Timeout) as caught:
            client.flows.get(str(uuid4()), timeout=1.0)
        assert monotonic() - began > 0.9
        assert (caught.value.status_code, caught.value.reason, caught.value.domain) == (504, "TIMEOUT", "client")
    session.close()


def test_where_no_worker_ever_was_it_says_so_at_once(room: ClientRoom) -> None:
    with FlowManagerClient(room.url, prefix="nobody") as client:
        with pytest.raises(Unavailable) as caught:
            client.flows.get(str(uuid4()), timeout=60.0)
        assert caught.value.reason == "UNREACHABLE"


def test_a_lost_broker_is_an_error_and_then_found_again(room: ClientRoom, proxy: Proxy) -> None:
    client = room.client(through(proxy, room), retries=BRISK)
    flow = client.flows.create(CUSTOMER)
    proxy.down()
    with pytest.raises(ConnectionLost) as caught:
        client.flows.get(flow.id, timeout=1.0)
    assert (caught.value.status_code, caught.value.reason) == (503, "BROKER_LOST")
    proxy.up()
    assert client.flows.get(flow.id) == flow


def test_a_call_waits_for_the_broker_to_come_back(room: ClientRoom, proxy: Proxy) -> None:
    client = room.client(through(proxy, room))
    proxy.down()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.flows.create, CUSTOMER, name="late")
        sleep(0.5)
        proxy.up()
        assert waiting.result().name == "late"


def test_closing_ends_calls_that_wait(room: ClientRoom, slow: SlowPeer) -> None:
    client = room.client()
    _, made = started(client, SMS)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.activeflows.next, made.id)
        eventually(lambda: len(slow.asked) == 1)
        client.close()
        with pytest.raises(ClientClosed):
            waiting.result()
    with pytest.raises(ClientClosed):
        client.flows.get(made.flow_id)


def test_events_are_typed(room: ClientRoom, client: FlowManagerClient) -> None:
    subscriber = room.subscriber()
    flow, made = started(client, talk("hi"))
    client.activeflows.next(made.id)
    client.activeflows.stop(made.id)
    seen = [event for event in subscriber.events(seconds=1.0) if concerns(event, flow.id, made.id)]
    assert [event.type for event in seen] == [
        "flow_created",
        "activeflow_created",
        "activeflow_updated",
        "activeflow_updated",
    ]
    assert isinstance(seen[0], FlowEvent)
    assert isinstance(seen[3], ActiveflowEvent)
    assert (seen[0].flow.actions, seen[3].activeflow.ended_reason) == (flow.actions, "stop_request")


def concerns(event: FlowManagerEvent, *ids: str) -> bool:
    return event.data["id"] in ids


@pytest.fixture
def queue(room: ClientRoom) -> Iterator[str]:
    name = f"{room.prefix}.{uuid4().hex}"
    yield name
    session = Session(room.url)
    session.channel().queue_delete(name)
    session.close()


def test_a_durable_queue_collects_while_nobody_listens(room: ClientRoom, client: FlowManagerClient, queue: str) -> None:
    room.subscriber(queue=queue).close()
    flow = client.flows.create(CUSTOMER)
    with room.subscriber(queue=queue) as subscriber:
        assert [event.data["id"] for event in subscriber.events(seconds=1.0)] == [flow.id]
    with room.subscriber(queue=queue) as subscriber:
        assert subscriber.take(0.3) is None


def test_an_event_whose_handler_failed_comes_again(room: ClientRoom, client: FlowManagerClient, queue: str) -> None:
    subscriber = room.subscriber(queue=queue)
    flow = client.flows.create(CUSTOMER)
    handled = []

    def handle(event: FlowManagerEvent) -> None:
        handled.append(event.data["id"])
        if len(handled) == 1:
            raise RuntimeError("not yet")
        subscriber.stop()

    with pytest.raises(RuntimeError, match="not yet"):
        subscriber.run(handle)
    subscriber.run(handle)
    assert handled == [flow.id, flow.id]


def test_an_event_in_hand_at_the_end_comes_again(room: ClientRoom, client: FlowManagerClient, queue: str) -> None:
    with room.subscriber(queue=queue) as subscriber:
        client.flows.create(CUSTOMER)
        event = subscriber.take(5)
        subscriber.give_back()
        assert subscriber.take(5) == event
    with room.subscriber(queue=queue) as subscriber:
        assert subscriber.take(5) == event
        subscriber.acknowledge()
    with room.subscriber(queue=queue) as subscriber:
        assert subscriber.take(0.3) is None


def test_duplicates_and_rubbish_are_dropped(room: ClientRoom, queue: str) -> None:
    subscriber = room.subscriber(queue=queue, window=2)
    good = b'{"type": "flow_created", "data": {"id": "%d"}}'
    letters = [(good % 1, "a"), (good % 1, "a"), (b"{", "b"), (b"[]", ""), (b'{"type": 5}', ""), (good % 2, "c")]
    letters += [(good % 3, "d"), (good % 1, "a"), (b'{"type": "new_thing"}', "")]
    session = Session(room.url)
    LanePublisher(session).send(
        [Letter(body=body, routing_key=queue, properties={"message_id": name}) for body, name in letters]
    )
    session.close()
    seen = [event.data and event.data["id"] for event in subscriber.events(seconds=0.5)]
    assert seen == ["1", "2", "3", "1", None]


def test_a_subscriber_connects_again(room: ClientRoom, client: FlowManagerClient, proxy: Proxy, queue: str) -> None:
    subscriber = room.subscriber(through(proxy, room), queue=queue)
    first = client.flows.create(CUSTOMER)
    taken = subscriber.take(5)
    assert taken
    assert taken.data["id"] == first.id
    proxy.cut()
    second = client.flows.create(CUSTOMER)
    again = subscriber.take(10)
    assert again
    assert again.data["id"] == second.id
    assert subscriber.take(0.3) is None


def test_a_subscriber_waits_for_the_broker(
    room: ClientRoom, client: FlowManagerClient, proxy: Proxy, queue: str
) -> None:
    subscriber = room.subscriber(through(proxy, room), queue=queue)
    proxy.down()
    assert subscriber.take(1.0) is None
    flow = client.flows.create(CUSTOMER)
    proxy.up()
    taken = subscriber.take(10)
    assert taken
    assert taken.data["id"] == flow.id


def test_an_event_in_hand_survives_a_lost_connection(
    room: ClientRoom, client: FlowManagerClient, proxy: Proxy, queue: str
) -> None:
    subscriber = room.subscriber(through(proxy, room), queue=queue)
    client.flows.create(CUSTOMER)
    event = subscriber.take(5)
    proxy.cut()
    subscriber.give_back()
    subscriber.give_back()
    assert subscriber.take(10) == event


def test_a_subscriber_is_stopped_by_another_thread(room: ClientRoom, client: FlowManagerClient) -> None:
    subscriber = room.subscriber()
    types: list[str] = []
    thread = Thread(target=lambda: types.extend(event.type for event in subscriber))
    thread.start()
    client.flows.create(CUSTOMER)
    eventually(lambda: bool(types))
    subscriber.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_a_subscriber_without_a_broker_is_an_error(proxy: Proxy, room: ClientRoom) -> None:
    proxy.down()
    with pytest.raises(ConnectionLost):
        room.subscriber(through(proxy, room))
