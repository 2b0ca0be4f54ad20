"""Processes that share nothing but a folder or a broker."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from tests.broker_room import Room, eventually, numbers, open_room

# Handles requests in a process of its own: asks call-manager, answers, announces; `/hang` never ends.
WORKER = dedent("""
    import sys
    from threading import Event
    from flowmanager.ports import Ask, Message, MessageKind
    from flowmanager.transport.lane import Lane, LaneOptions
    from flowmanager.transport.names import Names

    url, prefix = sys.argv[1:]
    names = Names(prefix)

    def handle(delivery, link):
        if b"/hang" in delivery.body and not delivery.redelivered:
            print("hanging", flush=True)
            Event().wait()
        data = link.rpc.call(Ask(peer="call", method="GET", uri="/v1/calls/1"))
        link.reply(delivery, b'{"status_code":200,"data":%d}' % data)
        link.publisher.publish([Message(id=str(n), kind=MessageKind.EVENT, activeflow_id="", body=b'{"n":%d}' % n)
                                for n in range(3)])

    lane = Lane(url, names.request, handle, options=LaneOptions(names=names))
    lane.start()
    lane.ready.wait()
    print("ready", flush=True)
    lane.join()
""")


@pytest.fixture(params=["filesystem", "amqp"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    url = f"filesystem://{tmp_path}" if request.param == "filesystem" else request.getfixturevalue("rabbitmq_address")
    with open_room(url) as room:
        room.responder(lambda _queue, _request: {"status_code": 200, "data": 7})
        yield room


@contextmanager
def worker(room: Room) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-c", WORKER, room.url, room.names.prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            eventually(lambda: "ready" in said(process))
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def test_processes_ask_each_other(room: Room) -> None:
    caller, subscriber = room.caller(), room.subscriber()
    with worker(room):
        assert [caller.call("GET", "/v1/x", seconds=10)[2] for _ in range(10)] == [7] * 10
        assert numbers(list(subscriber.events(seconds=0.5))) == [0, 1, 2] * 10


def test_several_processes_share_the_work(room: Room) -> None:
    caller = room.caller()
    with worker(room), worker(room):
        assert [caller.call("GET", "/v1/x", seconds=10)[2] for _ in range(50)] == [7] * 50


def test_message_in_the_hands_of_a_killed_process_is_delivered_again(room: Room) -> None:
    with worker(room) as process:
        room.put(room.names.request, b'{"uri":"/hang"}')
        eventually(lambda: "hanging" in said(process))
    subscriber = room.subscriber()
    with worker(room):
        assert numbers(list(subscriber.events(seconds=2))) == [0, 1, 2]
