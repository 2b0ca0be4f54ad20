"""What only a real broker and a real network can do to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from threading import Event, Thread
from urllib.parse import urlsplit

import orjson
import pytest
from structlog.testing import capture_logs

from flowmanager.errors import BrokerLost, PeerError, PeerTimeout
from flowmanager.transport.announcer import Announcer
from flowmanager.transport.envelope import Delivery, Letter
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.lane import Lane, LaneOptions
from flowmanager.transport.link import Link, open_link
from flowmanager.transport.names import Names
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from flowmanager.transport.standing import Standing
from flowmanager.transport.topology import Topology, declare_fanout
from tests.broker_room import Room, ask, event, eventually, numbers, open_room, stop_lane
from tests.proxy import Proxy, proxy_to


@pytest.fixture
def room(rabbitmq_address: str) -> Iterator[Room]:
    with open_room(rabbitmq_address) as room:
        yield room


@pytest.fixture
def proxy(rabbitmq_address: str) -> Iterator[Proxy]:
    parts = urlsplit(rabbitmq_address)
    with proxy_to(parts.hostname or "", parts.port or 5672) as proxy:
        yield proxy


@pytest.fixture
def through(proxy: Proxy, rabbitmq_address: str) -> str:
    """The broker's URL by way of the proxy."""
    parts = urlsplit(rabbitmq_address)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}").geturl()


def echo(delivery: Delivery, link: Link) -> None:
    link.reply(delivery, b'{"status_code":200,"data":%b}' % delivery.body)


def test_missing_request_queue_is_told_at_once(room: Room) -> None:
    with pytest.raises(PeerError, match="503") as caught:
        room.link().rpc.call(ask(peer="nobody", seconds=60))
    assert caught.value.facts == {"why": "its request queue does not exist"}


def test_link_is_usable_after_a_missing_queue(room: Room) -> None:
    room.responder(lambda _queue, _request: {"status_code": 200, "data": 1})
    link = room.link()
    with pytest.raises(PeerError):
        link.rpc.call(ask(peer="nobody"))
    assert link.rpc.call(ask()) == 1


def test_handler_that_dies_with_its_connection_sees_the_message_again(room: Room, proxy: Proxy, through: str) -> None:
    tries: list[bool] = []

    def handle(delivery: Delivery, link: Link) -> None:
        tries.append(delivery.redelivered)
        if len(tries) == 1:
            proxy.cut()
        echo(delivery, link)

    room.lane(handle, url=through)
    assert room.caller().call("GET", "/v1/x")[0] == 200
    assert tries == [False, True]


def test_lane_reconnects_by_itself(room: Room, proxy: Proxy, through: str) -> None:
    with capture_logs() as logs:
        lane = room.lane(echo, url=through)
        proxy.down()
        eventually(lambda: not lane.ready.is_set())
        dialled = proxy.accepted
        assert not lane.ready.wait(0.3)
        proxy.up()
        assert lane.ready.wait(10)
        assert room.caller().call("GET", "/v1/x")[0] == 200
    assert proxy.accepted > dialled
    told = [entry["event"] for entry in logs if entry["event"].startswith("broker_")]
    assert told == ["broker_connected", "broker_unavailable", "broker_connected"]


def test_no_message_is_lost_while_connections_break(room: Room, proxy: Proxy, through: str) -> None:
    subscriber = room.subscriber()
    room.put(room.names.request, *(b"%d" % number for number in range(200)))

    def handle(delivery: Delivery, link: Link) -> None:
        link.publisher.publish([event(int(delivery.body))])

    for _ in range(4):
        room.lane(handle, url=through)
    seen: set[int] = set()
    for _ in range(8):
        seen |= {orjson.loads(delivery.body)["n"] for _ in range(15) if (delivery := subscriber.take(5))}
        proxy.cut()
    seen |= set(numbers(list(subscriber.events(seconds=1))))
    assert seen == set(range(200))
    assert room.size(room.names.request) == 0


def test_lane_waits_for_a_broker_that_is_not_there_yet(room: Room, proxy: Proxy, through: str) -> None:
    proxy.down()
    lane = Lane(through, room.names.request, echo, options=LaneOptions(names=room.names, redial=0.05))
    lane.start()
    assert not lane.ready.wait(0.3)
    proxy.up()
    assert lane.ready.wait(10)
    stop_lane(lane)


def test_lane_that_waits_for_the_broker_can_be_stopped() -> None:
    lane = Lane("amqp://guest:guest@127.0.0.1:1//", "q", echo)
    lane.start()
    stop_lane(lane)


def test_lane_declares_again_what_was_deleted(room: Room) -> None:
    lane = room.lane(echo)
    room.session().channel().queue_delete(room.names.request)
    eventually(lambda: not lane.ready.is_set())
    assert lane.ready.wait(10)
    assert room.caller().call("GET", "/v1/x")[0] == 200


def test_silent_network_is_a_timeout_of_the_peer(room: Room, proxy: Proxy, through: str) -> None:
    room.responder(lambda _queue, _request: {"status_code": 200, "data": 1})
    rpc = room.link(through).rpc
    assert rpc.call(ask()) == 1
    proxy.pause()
    with pytest.raises(PeerTimeout):
        rpc.call(ask(seconds=0.2))
    proxy.resume()
    assert rpc.call(ask()) == 1


def test_connection_cut_during_a_request_is_a_lost_broker(room: Room, proxy: Proxy, through: str) -> None:
    def answer(_queue: str, _request: dict[str, object]) -> None:
        proxy.cut()

    room.responder(answer)
    link = room.link(through)
    with pytest.raises(BrokerLost):
        link.rpc.call(ask(seconds=30))
    with pytest.raises(BrokerLost):
        link.publisher.publish([event(1)])


def test_publish_returns_when_the_broker_has_the_messages(room: Room) -> None:
    bind_our_events(room)
    room.link().publisher.publish([event(number) for number in range(100)])
    assert room.size(room.names.event) == 100


def bind_our_events(room: Room) -> None:
    room.session().channel().queue_bind(room.names.event, room.names.event, "")


def test_missing_confirm_is_a_lost_broker(room: Room, proxy: Proxy, through: str) -> None:
    publisher = LanePublisher(room.session(through), names=room.names, confirm_seconds=0.2)
    proxy.pause()
    with pytest.raises(BrokerLost, match="confirm"):
        publisher.publish([event(1)])


def test_refused_message_is_a_lost_broker(room: Room) -> None:
    full = f"{room.names.prefix}.full"
    session = room.session()
    session.channel().queue_declare(
        full, durable=True, auto_delete=False, arguments={"x-max-length": 0, "x-overflow": "reject-publish"}
    )
    with pytest.raises(BrokerLost, match="refused"):
        LanePublisher(session).send([Letter(body=b"{}", routing_key=full)])
    room.session().channel().queue_delete(full)


def test_event_for_a_missing_exchange_is_a_lost_broker(room: Room) -> None:
    link = Link(room.session(), names=Names(f"{room.names.prefix}.none"))
    with pytest.raises(BrokerLost, match="NOT_FOUND"):
        link.publisher.publish([event(1)])


def test_message_is_not_parked_into_nothing(room: Room) -> None:
    link = Link(room.session(), names=Names(f"{room.names.prefix}.none"))
    with pytest.raises(BrokerLost, match="NO_ROUTE"):
        link.park(Delivery(queue="q", body=b"x"), "no idea")


def test_deliveries_that_come_while_a_peer_is_asked_are_kept(room: Room) -> None:
    seen: list[bytes] = []

    def answer(_queue: str, _request: dict[str, object]) -> dict[str, object]:
        room.put(room.names.subscribe, b"meanwhile")
        eventually(lambda: room.size(room.names.subscribe) == 0)
        return {"status_code": 200}

    def handle(delivery: Delivery, link: Link) -> None:
        if delivery.queue == room.names.request:
            link.rpc.call(ask())
        seen.append(delivery.body)

    room.responder(answer)
    room.lane(handle, queue=(room.names.request, room.names.subscribe))
    room.put(room.names.request, b"first")
    eventually(lambda: seen == [b"first", b"meanwhile"])


def test_standing_link_opens_again_after_a_cut(room: Room, proxy: Proxy, through: str) -> None:
    subscriber = room.subscriber()
    with closing(open_link(through, names=room.names)) as link:
        link.publish([event(1)])
        proxy.cut()
        link.publish([event(2)])
    assert numbers(list(subscriber.events(seconds=0.3))) == [1, 2]


def test_announcer_gives_up_when_the_broker_stays_away(proxy: Proxy, through: str) -> None:
    proxy.down()
    with closing(Announcer(through)) as announcer, pytest.raises(BrokerLost):
        announcer.publish_event("e", b"{}")


def test_connection_on_which_nothing_can_be_built_is_closed(rabbitmq_address: str) -> None:
    built: list[Session] = []

    def build(session: Session) -> None:
        built.append(session)
        raise BrokerLost

    with pytest.raises(BrokerLost):
        Standing(rabbitmq_address, build).get()
    assert built[0].lost


def test_announcer_opens_again_after_a_cut(room: Room, proxy: Proxy, through: str) -> None:
    subscriber = room.subscriber()
    with closing(Announcer(through)) as announcer:
        announcer.publish_event(room.names.event, b'{"n":1}')
        proxy.cut()
        announcer.publish_event(room.names.event, b'{"n":2}')
    assert numbers(list(subscriber.events(seconds=0.3))) == [1, 2]


def test_caller_opens_again_after_a_cut(room: Room, proxy: Proxy, through: str) -> None:
    room.lane(echo)
    caller = room.caller(through)
    assert caller.call("GET", "/v1/x")[0] == 200
    proxy.cut()
    assert caller.call("GET", "/v1/x")[0] == 200


def test_idle_connection_outlives_its_heartbeat(rabbitmq_address: str) -> None:
    with closing(Session(rabbitmq_address, heartbeat=1)) as session:
        idle(session, seconds=3.5)
        assert not session.lost


def test_dead_connection_is_noticed_by_its_heartbeat(proxy: Proxy, through: str) -> None:
    with closing(Session(through, heartbeat=1)) as session:
        proxy.pause()
        with pytest.raises(BrokerLost, match="heartbeat"):
            idle(session, seconds=6)
        proxy.resume()


def idle(session: Session, *, seconds: float) -> None:
    for _ in range(int(seconds * 10)):
        session.drain(0.1)


def test_busy_thread_finds_its_connection_alive(room: Room) -> None:
    session = Session(room.url, heartbeat=2)
    with closing(session):
        Event().wait(2.5)  # longer than a heartbeat, as a slow database may take
        session.drain(0)
        LanePublisher(session, names=room.names).publish([event(1)])


def test_stopped_inbox_gives_back_what_it_fetched_ahead(room: Room) -> None:
    room.put(room.names.request, b"1", b"2", b"3")
    inbox = Inbox(room.session(), (room.names.request,), prefetch=3)
    first = inbox.take(5)
    assert first
    eventually(lambda: room.size(room.names.request) == 0)
    inbox.stop()
    assert room.size(room.names.request) == 2
    inbox.ack(first)
    assert room.size(room.names.request) == 2


class ReservedDelay(Names):
    """Names of which one is not ours to declare."""

    @property
    def delay(self) -> str:
        return "amq.delay"


def test_delay_exchange_that_fails_for_another_reason_is_not_passed_over(room: Room) -> None:
    topology = Topology(names=ReservedDelay(room.names.prefix), delay_type="direct")
    with pytest.raises(BrokerLost, match="ACCESS_REFUSED"):
        topology.declare(room.session())


def test_declaring_twice_is_harmless(room: Room) -> None:
    topology = room.topology()
    topology.declare(room.session())
    topology.declare(room.session())


def test_other_properties_of_an_existing_queue_are_told(room: Room) -> None:
    with pytest.raises(BrokerLost, match="inequivalent"):
        Topology(names=room.names, quorum=True).declare(room.session())


def test_quorum_queues_keep_a_message_however_often_it_returns(rabbitmq_address: str) -> None:
    names = Names(f"test-quorum-{id(object())}")
    with closing(Session(rabbitmq_address)) as session:
        Topology(names=names, quorum=True).declare(session)
        LanePublisher(session).send([Letter(body=b"x", routing_key=names.request)])
        channel = session.channel()
        returns = 0
        while returns < 25 and (message := channel.basic_get(names.request)):
            channel.basic_reject(message.delivery_tag, requeue=True)
            returns += 1
        for queue in names.own:
            channel.queue_delete(queue)
        for exchange in (*names.subscribed_exchanges, names.event):
            channel.exchange_delete(exchange)
    assert returns == 25


def test_delay_exchange_hands_on_to_each_of_our_queues(room: Room) -> None:
    # The broker of the tests lacks the plugin: an ordinary exchange shows the same bindings.
    topology = Topology(names=room.names, delay_type="direct")
    session = room.session()
    topology.declare(session)
    topology.declare(session)
    for queue in room.names.queues:
        LanePublisher(session).send([Letter(body=b"{}", exchange=room.names.delay, routing_key=queue)])
    assert [room.size(queue) for queue in room.names.queues] == [1, 1, 1]
    session.channel().exchange_delete(room.names.delay)


def test_missing_delay_plugin_is_said_once_and_nothing_else_suffers(room: Room) -> None:
    topology = room.topology()
    session = room.session()
    with capture_logs() as logs:
        threads = [Thread(target=topology.declare, args=(room.session(),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        topology.declare(session)
    told = [entry["event"] for entry in logs]
    assert told in ([], ["delay_exchange_absent"])
    declare_fanout(session.channel(), room.names.event)
