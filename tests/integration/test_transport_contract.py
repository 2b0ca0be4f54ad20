"""What every transport must do: the same tests in memory, in a folder and on RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from time import monotonic

import orjson
import pytest

from flowmanager.errors import PeerError, PeerGarbled, PeerTimeout, StoreLost
from flowmanager.ports import Message, MessageKind
from flowmanager.transport.announcer import Announcer
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.link import Link, open_link
from tests.broker_room import Room, ask, event, eventually, numbers, open_room, stop_lane


@pytest.fixture(params=["memory", "filesystem", "amqp"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    urls = {"memory": "memory://", "filesystem": f"filesystem://{tmp_path}"}
    with open_room(urls.get(request.param) or request.getfixturevalue("rabbitmq_address")) as room:
        yield room


def echo(delivery: Delivery, link: Link) -> None:
    link.reply(delivery, b'{"status_code":200,"data_type":"application/json","data":%b}' % delivery.body)


def test_request_is_answered(room: Room) -> None:
    room.lane(echo)
    status_code, data_type, data = room.caller().call("POST", "/v1/flows", {"a": "ä"}, request_id="r-1")
    assert (status_code, data_type) == (200, "application/json")
    assert data == {
        "uri": "/v1/flows",
        "method": "POST",
        "publisher": "cli",
        "data_type": "application/json",
        "data": {"a": "ä"},
        "request_id": "r-1",
    }


def test_answers_find_their_callers(room: Room) -> None:
    room.lane(echo)
    room.lane(echo)
    callers = [room.caller() for _ in range(3)]
    for number in range(9):
        assert callers[number % 3].call("GET", "/v1/x", number)[2]["data"] == number


def test_request_without_reply_to_is_handled_and_not_answered(room: Room) -> None:
    handled = Event()

    def handle(delivery: Delivery, link: Link) -> None:
        link.reply(delivery, b"x")
        handled.set()

    room.lane(handle)
    room.put(room.names.request, b"{}")
    assert handled.wait(5)


def test_peer_answers_a_lane_in_the_middle_of_its_work(room: Room) -> None:
    seen: list[object] = []

    def answer(queue: str, request: dict[str, object]) -> dict[str, object]:
        seen.append((queue, request))
        return {"status_code": 200, "data": 7}

    def handle(delivery: Delivery, link: Link) -> None:
        link.reply(delivery, b'{"status_code":200,"data":%d}' % link.rpc.call(ask(key="k", body={})))

    room.responder(answer)
    room.lane(handle)
    assert room.caller().call("GET", "/v1/x")[2] == 7
    request = {
        "uri": "/v1/calls/1",
        "method": "GET",
        "publisher": "flow-manager",
        "data_type": "application/json",
        "data": {},
        "request_id": "k",
    }
    assert seen == [(room.names.request_queue("call"), request)]


def test_silent_peer_is_a_timeout(room: Room) -> None:
    room.responder(lambda _queue, _request: None)
    with pytest.raises(PeerTimeout) as caught:
        room.link().rpc.call(ask(seconds=0.1))
    assert (caught.value.peer, caught.value.seconds) == ("call", 0.1)


def test_refusal_of_a_peer_carries_its_typed_error(room: Room) -> None:
    typed = {"status": "NOT_FOUND", "reason": "CALL_NOT_FOUND", "domain": "call-manager", "message": "no such call"}
    room.responder(lambda _queue, _request: {"status_code": 404, "data_type": "voipbin_error", "data": typed})
    with pytest.raises(PeerError, match="no such call") as caught:
        room.link().rpc.call(ask())
    assert (caught.value.peer_status_code, caught.value.typed) == (404, typed)


def test_garbled_answer_is_told_from_a_refusal(room: Room) -> None:
    room.lane(lambda delivery, link: link.reply(delivery, b"not json"), queue=room.names.request_queue("flow"))
    with pytest.raises(PeerGarbled):
        room.link().rpc.call(ask(peer="flow"))


def test_late_answer_is_not_taken_for_the_next_one(room: Room) -> None:
    asked, may_answer = Event(), Event()

    def answer(_queue: str, request: dict[str, object]) -> dict[str, object]:
        asked.set()
        may_answer.wait(5)
        return {"status_code": 200, "data": request["uri"]}

    room.responder(answer)
    rpc = room.link().rpc
    with pytest.raises(PeerTimeout):
        rpc.call(ask(uri="/first", seconds=0.3))
    assert asked.wait(5)
    may_answer.set()
    assert rpc.call(ask(uri="/second")) == "/second"


def test_events_keep_their_order(room: Room) -> None:
    subscriber = room.subscriber()
    publisher = room.link().publisher
    publisher.publish([event(number) for number in range(50)])
    publisher.publish([event(number) for number in range(50, 60)])
    assert numbers(list(subscriber.events(seconds=0.3))) == list(range(60))


def test_event_carries_its_id(room: Room) -> None:
    subscriber = room.subscriber()
    sent = event(1)
    room.link().publisher.publish([sent])
    delivery = subscriber.take(5)
    assert delivery
    assert (delivery.message_id, delivery.reply_to) == (sent.id, "")


def test_request_from_the_outbox_reaches_the_peer_unchanged(room: Room) -> None:
    seen: list[dict[str, object]] = []
    room.responder(lambda _queue, request: seen.append(request))
    body = {"uri": "/v1/webhooks", "method": "POST", "data_type": "application/json", "data": {"a": 1}}
    message = Message(id="m", kind=MessageKind.REQUEST, activeflow_id="a", body=orjson.dumps(body), target="call")
    room.link().publisher.publish([message])
    eventually(lambda: seen == [body])


def test_nothing_to_publish_is_nothing(room: Room) -> None:
    room.link().publisher.publish([])


def test_events_of_other_managers_reach_the_subscribe_queue(room: Room) -> None:
    seen: list[bytes] = []
    room.lane(lambda delivery, _link: seen.append(delivery.body), queue=room.names.subscribe)
    announcer = Announcer(room.url)
    announcer.publish_event(room.names.event_exchange("call"), b'{"n":1}')
    announcer.publish_event(room.names.event_exchange("queue"), b'{"n":2}')
    eventually(lambda: len(seen) == 2)
    announcer.close()
    assert seen == [b'{"n":1}', b'{"n":2}']


def test_announcer_declares_an_exchange_once(room: Room) -> None:
    subscriber = room.subscriber()
    with closing(Announcer(room.url)) as announcer:
        for number in range(3):
            announcer.publish_event(room.names.event, b'{"n":%d}' % number)
    assert numbers(list(subscriber.events(seconds=0.3))) == [0, 1, 2]


def test_subscriber_waits_for_as_long_as_it_was_told(room: Room) -> None:
    subscriber = room.subscriber()
    begun = monotonic()
    assert subscriber.take(0.2) is None
    assert monotonic() - begun >= 0.2


def test_event_sent_to_the_queue_is_handled(room: Room) -> None:
    seen: list[bytes] = []
    room.lane(lambda delivery, _link: seen.append(delivery.body), queue=room.names.event)
    room.caller().send_event(room.names.event, b"{}")
    eventually(lambda: seen == [b"{}"])


def test_message_nobody_can_handle_is_parked_and_the_lane_goes_on(room: Room) -> None:
    def handle(delivery: Delivery, link: Link) -> None:
        if delivery.body == b"poison":
            raise ValueError("cannot")
        echo(delivery, link)

    room.lane(handle)
    room.put(room.names.request, b"poison")
    assert room.caller().call("GET", "/v1/x")[0] == 200
    parked: list[Delivery] = []
    room.lane(lambda delivery, _link: parked.append(delivery), queue=room.names.dead)
    eventually(lambda: bool(parked))
    assert parked[0].body == b"poison"
    assert parked[0].headers["x-reason"] == "ValueError('cannot')"
    assert parked[0].headers["x-queue"] == room.names.request


def test_message_the_database_cannot_take_is_delivered_again(room: Room) -> None:
    tries: list[bool] = []

    def handle(delivery: Delivery, link: Link) -> None:
        tries.append(delivery.redelivered)
        if len(tries) < 4:
            raise StoreLost
        echo(delivery, link)

    room.lane(handle, store_pause=0.01)
    assert room.caller().call("GET", "/v1/x")[0] == 200
    assert tries == [False, True, True, True]


def test_returned_message_of_an_exchange_goes_to_its_own_queue_only(room: Room) -> None:
    subscriber = room.subscriber()
    tries: list[bool] = []

    def handle(delivery: Delivery, _link: Link) -> None:
        tries.append(delivery.redelivered)
        if len(tries) == 1:
            raise StoreLost

    bind(room, room.names.event, room.names.event)
    room.lane(handle, queue=room.names.event, store_pause=0.01)
    room.link().publisher.publish([event(1)])
    eventually(lambda: tries == [False, True])
    assert numbers(list(subscriber.events(seconds=0.2))) == [1]


def bind(room: Room, queue: str, exchange: str) -> None:
    room.session().channel().queue_bind(queue, exchange, "")


def test_stopped_lane_finishes_what_is_in_hand_and_leaves_the_rest(room: Room) -> None:
    begun, may_end = Event(), Event()

    def handle(delivery: Delivery, link: Link) -> None:
        begun.set()
        may_end.wait(5)
        echo(delivery, link)

    lane = room.lane(handle)
    room.put(room.names.request, b"1", b"2", b"3")
    assert begun.wait(5)
    lane.stop()
    may_end.set()
    stop_lane(lane)
    seen: list[bytes] = []
    room.lane(lambda delivery, _link: seen.append(delivery.body))
    eventually(lambda: len(seen) == 2)
    assert seen == [b"2", b"3"]


def test_lane_may_serve_several_queues(room: Room) -> None:
    seen: list[str] = []
    queues = (room.names.event, room.names.subscribe)
    room.lane(lambda delivery, _link: seen.append(delivery.queue), queue=queues)
    for queue in queues:
        room.put(queue, b"{}")
    eventually(lambda: sorted(seen) == sorted(queues))


def test_standing_link_asks_and_publishes(room: Room) -> None:
    room.responder(lambda _queue, _request: {"status_code": 200, "data": 1})
    subscriber = room.subscriber()
    link = open_link(room.url, names=room.names)
    link.tick()
    assert link.call(ask()) == 1
    link.publish([event(5)])
    link.close()
    assert link.call(ask()) == 1
    link.close()
    link.close()
    assert numbers(list(subscriber.events(seconds=0.2))) == [5]


def test_link_can_be_kept_alive_during_long_work(room: Room) -> None:
    def handle(delivery: Delivery, link: Link) -> None:
        link.tick()
        echo(delivery, link)

    room.lane(handle)
    assert room.caller().call("GET", "/v1/x")[0] == 200
