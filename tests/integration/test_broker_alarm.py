"""A broker that is out of memory or disk takes no messages for a while: nothing hangs, ends or is lost by it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

import pytest

from flowmanager.errors import BrokerLost
from flowmanager.transport.link import Link
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import BLOCKED
from tests.broker_room import Room, ask, event, eventually, numbers, open_room
from tests.documents import ROOT, code
from tests.own_servers import Own
from tests.pages import parts, until_ready
from tests.processes import Installation, act, free_port, migrated

OPERATIONS = ROOT / "docs" / "operations.md"
SECONDS = 30.0
ENOUGH = "0.4"
SLOW = 1.0
MAILS = 20


@pytest.fixture
def room(own: Own) -> Iterator[Room]:
    with open_room(own.services.rabbitmq_address) as room:
        yield room


@pytest.fixture(scope="module")
def installation(own: Own) -> Iterator[Installation]:
    with migrated(own.services) as made:
        yield made


@contextmanager
def alarm(own: Own) -> Iterator[None]:
    """The broker believes that its memory is full."""
    own.control("set_vm_memory_high_watermark", "0")
    try:
        yield
    finally:
        own.control("set_vm_memory_high_watermark", ENOUGH)


def test_the_policy_for_the_dead_queue_is_one(own: Own) -> None:
    """As docs/operations.md says it, where somebody may change the broker."""
    [command] = [line for block in code(OPERATIONS, "sh") for line in block.lines if line.startswith("rabbitmqctl")]
    _, *arguments = shlex.split(command)
    own.control(*arguments)
    own.control("clear_policy", arguments[1])


def test_publishing_is_given_up_and_says_why(own: Own, room: Room) -> None:
    publisher = LanePublisher(room.session(), names=room.names, confirm_seconds=0.5)
    with alarm(own), pytest.raises(BrokerLost, match=BLOCKED):
        publisher.publish([event(number) for number in range(3)])


def test_a_peer_that_cannot_be_reached_for_it_has_not_failed(own: Own, room: Room) -> None:
    """The question waits in front of the broker: that is a lost broker, after which the turn is done again."""
    room.responder(lambda _queue, _request: {"status_code": 200, "data": 1})
    link = room.link()
    with alarm(own), pytest.raises(BrokerLost, match=BLOCKED):
        ask_again_and_again(link)


def ask_again_and_again(link: Link) -> None:
    for _ in range(3):
        link.rpc.call(ask(seconds=0.5))


def test_blocked_connection_is_used_again_afterwards(own: Own, room: Room) -> None:
    subscriber = room.subscriber()
    session = room.session()
    publisher = LanePublisher(session, names=room.names, confirm_seconds=SECONDS)
    with alarm(own):
        waiting = Thread(target=publisher.publish, args=([event(1), event(2)],))
        waiting.start()
        eventually(lambda: session.blocked)
    waiting.join(SECONDS)
    assert not waiting.is_alive()
    assert not session.blocked
    assert numbers(list(subscriber.events(seconds=1))) == [1, 2]


def test_flow_that_runs_into_it_goes_on_afterwards(own: Own, installation: Installation) -> None:
    """It asks one peer after the other while the broker takes nothing, and comes to its regular end."""
    stubs = installation.stubs()
    stubs.add_rules([f"email * * delay={SLOW}"])
    port = free_port()
    program = installation.serve(threads=2, PROMETHEUS_LISTEN_ADDRESS=f"127.0.0.1:{port}")
    until_ready(port)
    client = installation.client()
    flow = client.flow([act("email_send") for _ in range(MAILS)])
    activeflow_id = client.activeflow(flow)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.status, "POST", f"/v1/activeflows/{activeflow_id}/execute", seconds=2 * SECONDS)
        eventually(lambda: any(one.manager == "email" for one in stubs.seen))
        with alarm(own):
            program.said("broker_blocked")
            eventually(lambda: parts(port)["broker"].get("waits_for") == BLOCKED, seconds=SECONDS)
            stubs.rules.clear()
            program.said("broker_unavailable")
        assert asked.result(2 * SECONDS) == 200
    until_ready(port)
    shown = installation.client().until_ended(activeflow_id, seconds=2 * SECONDS)
    assert (shown["ended_reason"], shown["error"]) == ("finished", None)
    results = [one["result"] for one in shown["executed_actions"]]
    # The broker says it to those who send. Who had sent before, and waits, sees a peer that does not answer.
    assert (len(results), results.count("done") >= MAILS - 1) == (MAILS, True), program.err
    assert program.stop() == 0
    assert not [line for line in program.logs() if "exception" in line]
