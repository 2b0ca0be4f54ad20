"""The dead queue: what is parked is listed without being removed, sent back without being lost, dropped when asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from flowmanager.cli import main
from flowmanager.errors import BrokerLost, NotReplayed
from flowmanager.transport.dead import DeadQueue
from flowmanager.transport.envelope import Delivery, dead_letter
from flowmanager.transport.link import MALFORMED_BYTES, MOST_PARKED, Link
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.session import Session
from flowmanager.transport.topology import Topology
from tests.broker_room import Room, eventually, open_room

EVENT = b'{"type":"call_hangup","publisher":"call-manager","data":{"id":"1","password":"hunter2"}}'
REQUEST = b'{"uri":"/v1/flows?token=abcdef","method":"POST","data":{}}'


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Commands configure the log of their process, which is ours here."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(params=["amqp", "quorum", "filesystem"])
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """A corner of a broker, with each kind of queue, and of a folder."""
    embedded = request.param == "filesystem"
    url = f"filesystem://{tmp_path}/broker" if embedded else request.getfixturevalue("rabbitmq_address")
    with open_room(url) as made:
        if request.param == "quorum":
            made.clear()
            replicated = Topology(names=made.names, quorum=True)
            made.topology = lambda: replicated  # type: ignore[method-assign]  # a room declares again with each lane
            replicated.declare(made.session())
        yield made


def park(room: Room, *bodies: bytes, queue: str = "", why: str = "ValueError('cannot')", **known: Any) -> None:
    """Park messages as a worker does."""
    link = room.link()
    for body in bodies:
        link.park(Delivery(queue=queue or room.names.event, body=body, **known), why)


def dead(room: Room, *arguments: str, **options: Any) -> Result:
    """Run the command on that broker."""
    settings = {"RABBITMQ_ADDRESS": room.url, "FLOWMANAGER_QUEUE_PREFIX": room.names.prefix}
    return CliRunner().invoke(main, ["dead", *arguments], env=settings, **options)


def listed(room: Room) -> list[dict[str, Any]]:
    """What `list --json` shows."""
    shown = dead(room, "list", "--json")
    assert shown.exit_code == 0, shown.output
    found: list[dict[str, Any]] = json.loads(shown.stdout)
    return found


def until_parked(room: Room, number: int) -> None:
    """The broker may take a moment to take back what a closed connection held."""
    eventually(lambda: room.size(room.names.dead) == number)


def bodies_in(room: Room, queue: str) -> list[bytes]:
    """Take everything that is in a queue."""
    taken: list[bytes] = []
    channel = room.session().channel()
    while (message := channel.basic_get(queue, no_ack=True)) is not None:
        taken.append(message.body if isinstance(message.body, bytes) else message.body.encode())
    return taken


def test_what_is_parked_is_listed_and_stays(room: Room) -> None:
    park(room, EVENT, message_id="m-1")
    park(room, REQUEST, queue=room.names.request, why="KeyError('x')")
    for _ in range(2):
        first, second = listed(room)
        assert (first["number"], second["number"]) == (1, 2)
        assert (first["queue"], first["reason"], first["bytes"]) == (
            room.names.event,
            "ValueError('cannot')",
            len(EVENT),
        )
        assert (first["type"], first["publisher"], first["message_id"]) == ("call_hangup", "call-manager", "m-1")
        assert (second["method"], second["queue"]) == ("POST", room.names.request)
        assert first["parked_at"].startswith("20")
        until_parked(room, 2)


def test_secrets_are_not_shown(room: Room) -> None:
    park(room, EVENT, REQUEST)
    for arguments in (("list",), ("list", "--json"), ("show", "1"), ("show", "2")):
        shown = dead(room, *arguments)
        assert shown.exit_code == 0, shown.output
        assert "hunter2" not in shown.output
        assert "abcdef" not in shown.output


def test_the_list_for_people_says_what_why_and_from_where(room: Room) -> None:
    park(room, EVENT, b"\x1b[2Jrubbish \xff", EVENT)
    shown = dead(room, "list", "--limit", "2")
    assert f"{room.names.event}  call-manager call_hangup  ({len(EVENT)} bytes)" in shown.stdout
    assert "why:  ValueError('cannot')" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "rubbish" in shown.stdout
    assert shown.stderr == "1 more: --limit 3 shows them\n"


def test_an_empty_queue_is_said_to_be_empty(room: Room) -> None:
    shown = dead(room, "list")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "0 in the dead queue\n")
    assert dead(room, "replay", "--all").stdout == "replayed 0 of 0\n"
    assert dead(room, "drop", "--all").stdout == "dropped 0\n"


def test_one_message_is_shown_whole(room: Room) -> None:
    park(room, b'{"type":"a","data":{"text":"b"}}', EVENT)
    shown = dead(room, "show", "1")
    assert "queue: " + room.names.event in shown.stdout
    assert '"text": "b"' in shown.stdout
    assert dead(room, "show", "2", "--raw").stdout_bytes == EVENT
    until_parked(room, 2)


def test_messages_go_back_to_where_they_came_from(room: Room) -> None:
    park(room, b"1", b"3")
    park(room, b"2", queue=room.names.request, message_id="m", correlation_id="c", reply_to="r")
    done = dead(room, "replay", "1", "3")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("replayed 2 of 2\n")
    assert bodies_in(room, room.names.event) == [b"1"]
    seen: list[Delivery] = []
    room.lane(lambda delivery, _link: seen.append(delivery))
    eventually(lambda: bool(seen))
    assert (seen[0].body, seen[0].message_id, seen[0].correlation_id, seen[0].reply_to) == (b"2", "m", "c", "r")
    assert [one["body"] for one in listed(room)] == ["3"]


def test_the_order_stays_when_messages_are_looked_at(room: Room) -> None:
    park(room, *(str(number).encode() for number in range(5)))
    for _ in range(3):
        assert [one["body"] for one in listed(room)] == ["0", "1", "2", "3", "4"]
    dead(room, "drop", "3", "--yes")
    assert [one["body"] for one in listed(room)] == ["0", "1", "3", "4"]
    dead(room, "replay", "--all")
    assert bodies_in(room, room.names.event) == [b"0", b"1", b"3", b"4"]


def test_what_fails_again_comes_back(room: Room) -> None:
    def fail(_delivery: Delivery, _link: Link) -> None:
        raise ValueError("again")

    park(room, EVENT)
    room.lane(fail, queue=room.names.event)
    assert dead(room, "replay", "--all").stdout.endswith("replayed 1 of 1\n")
    until_parked(room, 1)
    assert [one["reason"] for one in listed(room)] == ["ValueError('again')"]


def test_a_kill_between_sending_and_removing_doubles_but_does_not_lose(room: Room) -> None:
    park(room, EVENT)
    session = room.session()
    queue = DeadQueue(session, names=room.names)
    queue.drop = lambda _: (_ for _ in ()).throw(BrokerLost())  # type: ignore[assignment,method-assign]
    [parked] = queue.take(1)
    with pytest.raises(BrokerLost):
        queue.replay(parked)
    session.close()
    until_parked(room, 1)
    assert room.size(room.names.event) == 1


@pytest.mark.parametrize("given", ["n", "", "no"])
def test_nothing_is_dropped_without_a_yes(room: Room, given: str) -> None:
    park(room, EVENT, b"other")
    asked = dead(room, "drop", "1", input=f"{given}\n")
    assert "drop this 1 for good?" in asked.output
    assert asked.exit_code == 1
    until_parked(room, 2)
    assert dead(room, "drop", "1", input="y\n").exit_code == 0
    assert [one["body"] for one in listed(room)] == ["other"]


@pytest.mark.parametrize("verb", ["replay", "drop"])
def test_numbers_that_are_not_there_change_nothing(room: Room, verb: str) -> None:
    park(room, EVENT)
    told = dead(room, verb, "1", "7")
    assert told.exit_code == 2
    assert "there is no message 7: the dead queue holds 1" in told.stderr
    nothing = dead(room, verb)
    assert "say which" in nothing.stderr
    assert "say which" in dead(room, verb, "1", "--all").stderr
    until_parked(room, 1)


def test_what_cannot_go_back_stays_and_the_rest_goes(room: Room) -> None:
    park(room, b"1", queue="somebody.else")
    letter = dead_letter(Delivery(queue=room.names.event, body=b"long"), "too long", names=room.names, most=2)
    LanePublisher(room.session()).send([letter])
    park(room, b"3")
    done = dead(room, "replay", "--all")
    assert done.exit_code == 1
    assert "stays: it came from 'somebody.else', which is not a queue of" in done.stderr
    assert "stays: only the beginning of its 4 bytes was kept" in done.stderr
    assert done.stdout.endswith("replayed 1 of 3\n")
    until_parked(room, 2)


def test_without_a_worker_ever_the_command_says_so(rabbitmq_address: str) -> None:
    settings = {"RABBITMQ_ADDRESS": rabbitmq_address, "FLOWMANAGER_QUEUE_PREFIX": "nobody-was-here"}
    told = CliRunner().invoke(main, ["dead", "list"], env=settings)
    assert told.exit_code == 2
    assert "the broker has no queue nobody-was-here.flow-manager.dead: no worker has run there yet" in told.stderr


def test_malformed_messages_are_parked_in_part_and_not_without_end(room: Room) -> None:
    link = room.link()
    assert link.park_malformed(Delivery(queue=room.names.event, body=b"x" * (MALFORMED_BYTES + 1)), "not JSON")
    [first] = listed(room)
    assert (first["reason"], first["bytes"], first["whole"]) == ("malformed: not JSON", MALFORMED_BYTES + 1, False)
    room.put(room.names.dead, *[b"x"] * (MOST_PARKED - 1))
    until_parked(room, MOST_PARKED)
    assert not link.park_malformed(Delivery(queue=room.names.event, body=b"x"), "not JSON")
    assert room.size(room.names.dead) == MOST_PARKED
    with closing(Session(room.url)) as session:
        queue = DeadQueue(session, names=room.names)
        [parked] = queue.take(1)
        with pytest.raises(NotReplayed):
            queue.replay(parked)
