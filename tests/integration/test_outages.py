"""Broker and database misbehave under a running worker: it waits, says so, and goes on without help."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from flowmanager.transport.announcer import Announcer
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.own_servers import Own, with_parameters
from tests.processes import Installation, Program, act, migrated
from tests.proxy import CHUNK, Proxy, break_off, proxy_to

SECONDS = 60.0
BEATS = 20
COMMIT = b"COMMIT"
"""How a packet ends that commits; the writes of a transaction may stand before it."""


@pytest.fixture(scope="module")
def installation(own: Own) -> Iterator[Installation]:
    with migrated(own.services) as made:
        yield made


def as_user(dsn: str, name: str) -> str:
    """The address for another user, whose password is his name."""
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{name}:{name}@{parts.hostname}:{parts.port}").geturl()


def run(dsn: str, *statements: str) -> Any:
    """Run statements and return the first value of the last one."""
    engine = create_engine(dsn)
    try:
        with engine.connect() as connection:
            found = [connection.execute(text(statement)) for statement in statements][-1]
            value = found.scalar() if found.returns_rows else None
            connection.commit()
            return value
    finally:
        engine.dispose()


@contextmanager
def later(installation: Installation, method: str, uri: str, data: Any = None) -> Iterator[Future[int]]:
    """Ask in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(installation.client().status, method, uri, data, seconds=SECONDS)


def test_database_that_becomes_read_only_is_waited_for(own: Own, installation: Installation) -> None:
    """As when its primary moves: what was asked meanwhile is done once it can be written again."""
    dsn = installation.dsn
    name = "f" + uuid4().hex[:16]
    run(
        own.root_dsn, f"CREATE USER {name} IDENTIFIED BY '{name}'", f"GRANT ALL ON {urlsplit(dsn).path[1:]}.* TO {name}"
    )
    program = installation.serve(threads=2, DATABASE_DSN=as_user(dsn, name))
    client = installation.client()
    flow = client.flow([act("stop")], customer_id=str(uuid4()))
    waited = len(program.logs("waits"))
    run(own.root_dsn, "SET GLOBAL read_only = 1")
    try:
        with later(installation, "POST", "/v1/flows", {**flow, "id": str(uuid4())}) as asked:
            program.said("message_returned", times=2)
            program.said("waits", times=waited + 1)
            assert not asked.done()
            run(own.root_dsn, "SET GLOBAL read_only = 0")
            assert asked.result(SECONDS) == 200
    finally:
        run(own.root_dsn, "SET GLOBAL read_only = 0")
    assert "read-only" in program.logs("message_returned")[0]["why"]
    assert "read-only" in program.logs("waits")[-1]["waits_for"]
    stored = client.ask("GET", "/v1/flows?page_size=10", {"customer_id": flow["customer_id"]})
    assert len(stored) == 2
    assert program.stop() == 0


def test_connections_that_the_database_dropped_while_idle_are_replaced(installation: Installation) -> None:
    """After a night without work: the first who asks gets an answer."""
    dsn = installation.dsn
    before = run(dsn, "SELECT @@GLOBAL.wait_timeout")
    run(dsn, "SET GLOBAL wait_timeout = 1")
    try:
        # Timers and heartbeats would keep connections busy.
        program = installation.serve(
            threads=2, FLOWMANAGER_TIMER_SECONDS="900", FLOWMANAGER_HEARTBEAT_SECONDS="900",
            FLOWMANAGER_OUTBOX_SECONDS="900", FLOWMANAGER_PURGE_SECONDS="900",
        )  # fmt: skip
        client = installation.client()
        flow = client.flow([act("stop")])
        for _ in range(3):
            wait_until_dropped(dsn)
            assert client.status("GET", f"/v1/flows/{flow['id']}", seconds=SECONDS) == 200
        assert program.stop() == 0
    finally:
        run(dsn, f"SET GLOBAL wait_timeout = {before}")


def wait_until_dropped(dsn: str) -> None:
    query = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    eventually(lambda: run(dsn, query) == 0, seconds=SECONDS)


def test_queues_and_exchanges_that_were_deleted_come_back(installation: Installation) -> None:
    """Requests, events sent to us and events we subscribe to are taken again, without a restart."""
    program = installation.serve(threads=2)
    client, names = installation.client(), installation.names
    with closing(Session(installation.url)) as session:
        channel = session.channel()
        for queue in names.own:
            channel.queue_delete(queue)
        for exchange in (*names.subscribed_exchanges, names.event):
            channel.exchange_delete(exchange)
    client.until_answered()
    with closing(Announcer(installation.url)) as announcer:

        def arrives() -> bool:
            announcer.publish_event(names.event_exchange("call"), b"nonsense")
            return bool(program.logs("event_malformed"))

        eventually(arrives, seconds=SECONDS)
    assert client.status("POST", "/v1/flows", {"customer_id": str(uuid4())}, seconds=SECONDS) == 200
    assert program.stop() == 0
    assert not program.logs("message_parked")


def test_worker_says_that_it_lives_while_the_broker_hangs(installation: Installation) -> None:
    """Who waits for a silent broker with events in hand must not be taken for dead: its turns would be taken over."""
    parts = urlsplit(installation.url)
    with proxy_to(parts.hostname or "", parts.port or 5672) as proxy:
        place = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"
        program = installation.serve(
            threads=1, RABBITMQ_ADDRESS=parts._replace(netloc=place).geturl(), FLOWMANAGER_HEARTBEAT_SECONDS="0.1"
        )
        installation.client().until_answered()
        proxy.pause()
        columns = "id, kind, activeflow_id, target, body, tm_create"
        values = "UNHEX(REPLACE(UUID(), '-', '')), 'event', UNHEX(REPLACE(UUID(), '-', '')), 'x', '{}', '2000-01-01'"
        run(installation.dsn, f"INSERT INTO outbox ({columns}) VALUES ({values})")
        seen: set[Any] = set()

        def beats() -> bool:
            seen.add(run(installation.dsn, "SELECT MAX(tm_heartbeat) FROM workers"))
            return len(seen) > BEATS

        eventually(beats, seconds=SECONDS)
        assert not program.logs("sweeper_waits"), "nothing hung in the meantime"
        program.said("sweeper_waits")
        proxy.resume()
        eventually(lambda: run(installation.dsn, "SELECT COUNT(*) FROM outbox") == 0, seconds=SECONDS)
        assert program.stop() == 0


class CommitCut(Proxy):
    """Breaks the connection on which a commit is sent, once: before the server gets it, or when it has answered."""

    def __init__(self, host: str, port: int) -> None:
        self.moment = ""
        """`before` or `after`; empty: never."""
        self.count = 0
        """How many commits go through before that."""
        self._answering: set[socket.socket] = set()
        super().__init__(host, port)

    def arm(self, moment: str, count: int) -> None:
        """Break the connection at a commit to come."""
        self.count, self.moment = count, moment

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                if source in self._answering:  # the server is heard to the end, the client hears nothing
                    break_off(target)
                elif self._cuts(data, target):
                    break
                else:
                    target.sendall(data)
        break_off(source)
        if target not in self._answering:
            break_off(target)

    def _cuts(self, data: bytes, server: socket.socket) -> bool:
        if not (self.moment and data.endswith(COMMIT)):
            return False
        self.count -= 1
        if self.count >= 0:
            return False
        moment, self.moment = self.moment, ""
        if moment == "after":
            self._answering.add(server)
        return moment == "before"


@pytest.fixture(scope="module")
def cut(installation: Installation) -> Iterator[CommitCut]:
    parts = urlsplit(installation.dsn)
    with closing(CommitCut(parts.hostname or "", parts.port or 3306)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def behind_cut(installation: Installation, cut: CommitCut) -> Program:
    """A worker whose commits may be cut; without TLS, in which they could not be seen."""
    parts = urlsplit(installation.dsn)
    place = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{cut.port}").geturl()
    installation.stubs()
    return installation.serve(threads=2, DATABASE_DSN=with_parameters(place, {"tls": "false"}))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_request_whose_commit_broke_is_carried_out_once(
    installation: Installation, behind_cut: Program, cut: CommitCut, moment: str
) -> None:
    """Nobody can know whether a commit whose answer did not come was made: the redelivery finds out."""
    client, customer = installation.client(), str(uuid4())
    returned = len(behind_cut.logs("message_returned"))
    cut.arm(moment, 0)
    made = client.ask("POST", "/v1/flows", {"customer_id": customer, "persist": True}, seconds=SECONDS)
    behind_cut.said("message_returned", times=returned + 1)
    stored = client.ask("GET", "/v1/flows?page_size=10", {"customer_id": customer})
    assert [flow["id"] for flow in stored] == [made["id"]]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_turn_whose_commits_break_makes_each_step_once(
    installation: Installation, behind_cut: Program, cut: CommitCut, moment: str
) -> None:
    """At each commit of a turn that asks two peers, until there is none left to be broken."""
    client = installation.client()
    actions = [act("email_send"), act("variable_set", key="k", value="v"), act("email_send"), act("stop")]
    flow, commits = client.flow(actions), 0
    while not cut.moment:
        activeflow_id = client.activeflow(flow)
        cut.arm(moment, commits)
        assert client.status("POST", f"/v1/activeflows/{activeflow_id}/execute", seconds=SECONDS) == 200
        shown = client.until_ended(activeflow_id, seconds=SECONDS)
        assert (shown["ended_reason"], shown["error"]) == ("stop_action", None), behind_cut.err
        assert [one["type"] for one in shown["executed_actions"]] == [action["type"] for action in actions]
        assert [one["result"] for one in shown["executed_actions"][:3]] == ["done"] * 3
        commits += 1
    cut.arm("", 0)
    assert commits > 2
