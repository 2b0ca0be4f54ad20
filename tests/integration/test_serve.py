"""The worker as a process: what it says when it cannot serve, how it waits, recovers and ends, and what it shows."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import orjson
import pytest

from flowmanager.errors import PeerError
from flowmanager.ports import Ask
from flowmanager.transport.link import Link
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.processes import Installation, Program, act, free_port, installed, migrated
from tests.proxy import Proxy, proxy_to
from tests.services import Services

SECONDS = 60.0
HISTOGRAMS = (
    "receive_request_process_time",
    "receive_subscribe_event_process_time",
    "request_process_time",
    "notify_process_time",
    "action_exeucte_duration",
    "activeflow_duration_seconds",
    "activeflow_execute_iterations",
)
COUNTERS = (
    "notify_total",
    "event_publish_total",
    "flow_crud_total",
    "action_executed_total",
    "action_error_total",
    "action_dispatch_total",
    "activeflow_created_total",
    "activeflow_ended_total",
    "activeflow_variable_injection_total",
)
SECRET = "s3cr3t"
NO_SETTINGS = {
    "no broker": ({"RABBITMQ_ADDRESS": ""}, "RABBITMQ_ADDRESS is not set"),
    "no database": ({"DATABASE_DSN": ""}, "DATABASE_DSN is not set"),
    "other broker": ({"RABBITMQ_ADDRESS": f"kafka://u:{SECRET}@h"}, "must begin with amqp"),
    "other database": ({"DATABASE_DSN": f"oracle://u:{SECRET}@h/d"}, "the scheme oracle is not known"),
    "no address": ({"DATABASE_DSN": f"u:{SECRET}@tcp(h:1:2)/d"}, "the address of the database is not valid"),
    "port in a word": ({"RABBITMQ_ADDRESS": f"amqp://u:{SECRET}@h:port/"}, "the broker's URL cannot be read"),
    "slash in the password": ({"RABBITMQ_ADDRESS": f"amqp://u:{SECRET}/x@h/"}, "the broker's URL cannot be read"),
    "threads in a word": ({"FLOWMANAGER_THREADS": "many"}, "FLOWMANAGER_THREADS must be a whole number above 0"),
    "negative time": ({"FLOWMANAGER_STOP_SECONDS": "-1"}, "FLOWMANAGER_STOP_SECONDS must be a number above 0"),
    "long names": ({"FLOWMANAGER_QUEUE_PREFIX": "x" * 200}, "FLOWMANAGER_QUEUE_PREFIX is longer than 100 characters"),
    "no network": ({"FLOWMANAGER_FETCH_ALLOWED_NETWORKS": "all"}, "FLOWMANAGER_FETCH_ALLOWED_NETWORKS"),
    "metrics without a port": ({"PROMETHEUS_ENDPOINT": "/m", "PROMETHEUS_LISTEN_ADDRESS": "here"}, "host:port"),
    "metrics on no port": ({"PROMETHEUS_ENDPOINT": "/m", "PROMETHEUS_LISTEN_ADDRESS": ":99999"}, "host:port"),
    "metrics elsewhere": ({"PROMETHEUS_ENDPOINT": "/m", "PROMETHEUS_LISTEN_ADDRESS": "192.0.2.1:9"}, "listened on"),
    "metrics nowhere": ({"PROMETHEUS_ENDPOINT": "m", "PROMETHEUS_LISTEN_ADDRESS": ":9100"}, "must begin with /"),
}


@pytest.fixture(scope="module")
def installation(services: Services) -> Iterator[Installation]:
    with migrated(services) as made:
        yield made


@pytest.fixture(scope="module")
def refused(installation: Installation) -> dict[str, Program]:
    """All of them at once: it takes a while to start each."""
    return {name: installation.start("serve", **settings) for name, (settings, _) in NO_SETTINGS.items()}


@pytest.mark.parametrize("name", NO_SETTINGS)
def test_wrong_settings_end_with_one_sentence(refused: dict[str, Program], name: str) -> None:
    """A setting that is missing or wrong is named in one sentence, without a traceback and without the password."""
    program = refused[name]
    assert program.wait() == 2
    assert len(program.err.splitlines()) == 1, program.err
    assert NO_SETTINGS[name][1] in program.err
    assert SECRET not in program.err


@pytest.mark.parametrize("processes", ["1", "2"])
def test_database_without_tables_says_what_to_do(fresh_database: str, rabbitmq_address: str, processes: str) -> None:
    """Without tables nothing is served: the way to get them is told once."""
    with installed(fresh_database, rabbitmq_address) as bare:
        program = bare.run("serve", "--processes", processes)
        assert program.process.returncode == 2
        assert (
            program.err
            == "flowmanager: the database's tables are not of this version: run `flowmanager migrate` first\n"
        )


def test_processes_that_cannot_serve_are_not_started_again(installation: Installation) -> None:
    """What is wrong for every worker process ends them all instead of starting them for ever."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {"PROMETHEUS_ENDPOINT": "/metrics"}
        taken_port = taken.getsockname()[1]
        settings["PROMETHEUS_LISTEN_ADDRESS"] = f"127.0.0.1:{taken_port}"
        program = installation.run("serve", "--processes", "2", **settings)
    assert program.process.returncode == 2
    assert f"port {taken_port} cannot be listened on: Address already in use" in program.err
    assert not program.logs("worker_died")


@contextmanager
def proxied(address: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of a server, and the server's address by way of it."""
    parts = urlsplit(address)
    with proxy_to(parts.hostname or "", parts.port or 0) as proxy:
        user = f"{parts.username}:{parts.password}"
        yield proxy, parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}").geturl()


@pytest.fixture
def broker(installation: Installation) -> Iterator[tuple[Proxy, str]]:
    with proxied(installation.url) as found:
        yield found


@pytest.fixture
def database(installation: Installation) -> Iterator[tuple[Proxy, str]]:
    with proxied(installation.dsn) as found:
        yield found


def test_worker_waits_for_database_and_broker(
    installation: Installation, broker: tuple[Proxy, str], database: tuple[Proxy, str]
) -> None:
    """Started before its servers, it says what it waits for, and serves when they come."""
    broker[0].down()
    database[0].down()
    program = installation.start("serve", "--threads", "2", RABBITMQ_ADDRESS=broker[1], DATABASE_DSN=database[1])
    program.said("database_unavailable")
    database[0].up()
    program.said("broker_unavailable")
    assert not program.logs("broker_connected")
    broker[0].up()
    program.said("broker_connected", times=5)
    installation.client().until_answered()
    assert program.stop() == 0
    check_calm(program)


@pytest.mark.parametrize("missing", ["database", "broker"])
def test_worker_that_waits_can_be_stopped(
    installation: Installation, broker: tuple[Proxy, str], database: tuple[Proxy, str], missing: str
) -> None:
    """A signal ends it also while a server is away."""
    (database if missing == "database" else broker)[0].down()
    program = installation.start("serve", "--threads", "2", RABBITMQ_ADDRESS=broker[1], DATABASE_DSN=database[1])
    program.said(f"{missing}_unavailable")
    assert program.stop() == 0
    check_calm(program)


def test_worker_outlives_the_loss_of_its_connections(
    installation: Installation, broker: tuple[Proxy, str], database: tuple[Proxy, str]
) -> None:
    """Connections that break and servers that are away need no restart; what was asked meanwhile is done."""
    program = installation.serve(threads=2, RABBITMQ_ADDRESS=broker[1], DATABASE_DSN=database[1])
    client = installation.client()
    flow = client.flow([act("answer")])
    for proxy, _ in (broker, database):
        proxy.cut()
        assert client.ask("GET", f"/v1/flows/{flow['id']}", seconds=SECONDS)["id"] == flow["id"]
        proxy.down()
        late = late_request(installation, flow["id"])
        proxy.up()
        assert late() == flow["id"]
    assert client.status("POST", "/v1/flows", {"name": "after"}, seconds=SECONDS) == 200
    assert program.stop() == 0
    check_calm(program)


def late_request(installation: Installation, flow_id: str) -> Callable[[], str]:
    """Ask in a thread of its own; the result waits for the answer."""
    pool = ThreadPoolExecutor(max_workers=1)
    answer = pool.submit(lambda: installation.client().ask("GET", f"/v1/flows/{flow_id}", seconds=SECONDS))
    pool.shutdown(wait=False)
    return lambda: str(answer.result(SECONDS)["id"])


def check_calm(program: Program) -> None:
    """It wrote log lines and nothing else: no traceback, no password."""
    lines = program.err.splitlines()
    assert [line for line in lines if not line.startswith("{")] == []
    assert not [line for line in program.logs() if "exception" in line]
    assert "guest" not in program.err
    assert "flowmanager:flowmanager" not in program.err


def test_stopped_before_it_began(installation: Installation) -> None:
    """A signal that comes while the processes are being started is no failure."""
    program = installation.start("serve", "--processes", "2")
    eventually(lambda: len(children_of(program)) == 2, seconds=SECONDS)
    assert program.stop() == 0


def test_processes_are_watched_over_and_watch_their_parent(installation: Installation) -> None:
    """A killed process is started again while the other serves; when the parent is killed, both finish and end."""
    program = installation.serve(processes=2, threads=1)
    victim, other = children_of(program)
    os.kill(victim, signal.SIGKILL)
    assert installation.client().status("GET", "/v1/flows?page_size=1") == 200
    program.said("worker_started", times=3)
    assert [line["status"] for line in program.logs("worker_died")] == [-signal.SIGKILL]
    children = children_of(program)
    assert other in children
    program.process.kill()
    eventually(lambda: not any(map(alive, children)), seconds=SECONDS)
    assert [line["clean"] for line in program.logs("worker_stopped")] == [True, True]
    check_calm(program)


def children_of(program: Program) -> list[int]:
    """The worker processes, oldest first."""
    parent = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children")
    return [int(number) for number in parent.read_text().split()]


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def test_metrics_page_has_the_known_names(installation: Installation) -> None:
    """Each process shows its metrics under the names that dashboards know, at the path and port that are set."""
    port = free_port(2)
    settings = {"PROMETHEUS_ENDPOINT": "/metrics", "PROMETHEUS_LISTEN_ADDRESS": f"127.0.0.1:{port}"}
    program = installation.serve(processes=2, threads=1, **settings)
    for number in (port, port + 1):
        kinds = dict(line.split()[2:4] for line in page_of(number).splitlines() if line.startswith("# TYPE"))
        expected = {**dict.fromkeys(HISTOGRAMS, "histogram"), **dict.fromkeys(COUNTERS, "counter")}
        expected["activeflow_running"] = "gauge"
        assert {name: kinds.get(f"flow_manager_{name}") for name in expected} == expected
        with pytest.raises(HTTPError, match="404"):
            page_of(number, "/")
    client = installation.client()
    client.ask("POST", f"/v1/activeflows/{client.activeflow(client.flow([act('stop')]))}/execute")
    counted = "".join(map(page_of, (port, port + 1)))
    assert 'flow_manager_activeflow_created_total{reference_type="call"} 1.0' in counted
    assert 'le="50.0",method="POST",type="/v1/flows"' in counted
    assert program.stop() == 0


def page_of(port: int, path: str = "/metrics") -> str:
    """A page of a worker process."""
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as page:
        shown: str = page.read().decode()
    return shown


def test_log_lines_carry_ids(installation: Installation) -> None:
    """What is logged about a request says which, from whom, and which activeflow."""
    program = installation.serve(threads=1)
    client = installation.client()
    activeflow_id = client.activeflow(client.flow([act("answer")]))
    client.ask("POST", f"/v1/activeflows/{activeflow_id}/stop", request_id="r-7")
    unknown = str(uuid4())
    client.ask("GET", f"/v1/activeflows/{unknown}", expect=404, request_id="r-8")
    assert program.stop(signal.SIGHUP) == 0
    assert [line["clean"] for line in program.logs("worker_stopped")] == [True]
    (ended,), (refused,) = program.logs("activeflow_ended"), program.logs("request_refused")
    assert (ended["activeflow_id"], ended["request_id"], ended["publisher"]) == (activeflow_id, "r-7", "call-manager")
    assert (refused["uri"], refused["method"], refused["request_id"]) == (f"/v1/activeflows/{unknown}", "GET", "r-8")
    assert all(line["timestamp"].endswith("Z") and line["level"] for line in program.logs())


def test_embedded_worker_is_spoken_to_from_another_process(installation: Installation, tmp_path: Path) -> None:
    """Without any server a worker runs in one process, and another one stores a flow and lists it."""
    alone = {"RABBITMQ_ADDRESS": "", "DATABASE_DSN": "", "FLOWMANAGER_EMBEDDED_FOLDER": str(tmp_path)}
    program = installation.start("serve", "--embedded", **alone)
    program.said("broker_connected", times=5)
    body = tmp_path / "flow.json"
    body.write_bytes(orjson.dumps({"customer_id": str(uuid4()), "persist": True, "actions": [act("answer")]}))
    made = installation.run("rpc", "POST", "/v1/flows", f"@{body}", **alone)
    assert (made.process.returncode, made.err) == (0, "200\n")
    listed = installation.run("rpc", "get", "/v1/flows?page_size=10", **alone)
    assert orjson.loads(listed.out) == [orjson.loads(made.out)]
    missing = installation.run("rpc", "GET", f"/v1/flows/{uuid4()}", **alone)
    assert (missing.process.returncode, missing.err) == (1, "404\n")
    assert program.stop(signal.SIGINT) == 0
    check_calm(program)
    silent = installation.run("rpc", "GET", "/v1/flows", "--seconds", "0.2", **alone)
    asked = f"does `flowmanager serve --embedded` run, in {tmp_path}? RABBITMQ_ADDRESS names no server"
    assert (silent.process.returncode, silent.err) == (2, f"flowmanager: no answer within 0.2 s: {asked}\n")


def test_stub_managers_serve_until_they_are_stopped(installation: Installation) -> None:
    """The other managers run as a process of their own, under the same names, and misbehave as they are told."""
    rule = "message POST /v1/messages fail=404:NO_SUCH_NUMBER"
    program = installation.start("stub-managers", "--speed", "10", "--rule", rule)
    eventually(lambda: program.out == "stub managers are serving\n", seconds=SECONDS)
    with closing(Session(installation.url)) as session:
        peers = Link(session, names=installation.names).rpc
        assert peers.call(Ask(peer="email", method="POST", uri="/v1/emails", body={"subject": "s"}))["subject"] == "s"
        with pytest.raises(PeerError, match="answered 404"):
            peers.call(Ask(peer="message", method="POST", uri="/v1/messages", body={}))
        (seen, _) = peers.call(Ask(peer="call", method="GET", uri="/v1/stub/seen"))
    assert (seen["manager"], seen["uri"]) == ("email", "/v1/emails")
    assert program.stop() == 0


def test_demonstration_runs_without_any_server(installation: Installation) -> None:
    """The first thing anybody tries shows a call from beginning to end, and nothing else."""
    shown = installation.run("demo", RABBITMQ_ADDRESS="", DATABASE_DSN="")
    assert (shown.process.returncode, shown.err) == (0, "")
    assert "The call: ended, reference_ended" in shown.out
    assert "After the call: ended, finished" in shown.out
