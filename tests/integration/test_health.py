"""What a worker process says of itself: `/livez`, `/readyz`, the metric and the log, while its servers come and go."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from flowmanager.errors import StoreLost
from flowmanager.health import HUNG_SECONDS, Health, Told
from flowmanager.heart import SLOW_SECONDS, Heart
from flowmanager.metrics import Metrics
from tests.broker_room import eventually
from tests.integration.test_serve import proxied
from tests.pages import PAGE_SECONDS, page, parts, until_ready
from tests.processes import Installation, Program, free_port, migrated
from tests.proxy import Proxy
from tests.services import Services

SECONDS = 40.0


@pytest.fixture(scope="module")
def installation(services: Services) -> Iterator[Installation]:
    with migrated(services) as made:
        yield made


@pytest.fixture
def broker(installation: Installation) -> Iterator[tuple[Proxy, str]]:
    with proxied(installation.url) as found:
        yield found


@pytest.fixture
def database(installation: Installation) -> Iterator[tuple[Proxy, str]]:
    with proxied(installation.dsn) as found:
        yield found


def until_missing(port: int, part: str, *, alone: bool = True) -> dict[str, Any]:
    """Wait until that part, and where `alone` no other, is waited for; return what is said of it."""

    def missing() -> bool:
        names = {name for name, one in parts(port).items() if not one["ready"]}
        return names == {part} if alone else part in names

    eventually(missing, seconds=SECONDS)
    status, body = page(port, "/readyz")
    assert (status, body["ready"]) == (503, False)
    said: dict[str, Any] = body["parts"][part]
    assert said["since"].endswith("Z")
    assert said["seconds"] >= 0
    return said


def until_logged(program: Program, event: str, part: str) -> None:
    """Wait until the log tells that of a part."""
    eventually(lambda: part in [line["part"] for line in program.logs(event)], seconds=SECONDS)


def metric(port: int, part: str) -> float:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PAGE_SECONDS) as found:
        lines = found.read().decode().splitlines()
    name = f'flow_manager_waiting_seconds{{part="{part}"}} '
    return float(next((line.removeprefix(name) for line in lines if line.startswith(name)), "0"))


def started(installation: Installation, port: int, broker: str, database: str) -> Program:
    """A worker with pages, by way of proxies."""
    settings = {"PROMETHEUS_ENDPOINT": "/metrics", "PROMETHEUS_LISTEN_ADDRESS": f"127.0.0.1:{port}"}
    servers = {"RABBITMQ_ADDRESS": broker, "DATABASE_DSN": database}
    return installation.start("serve", "--threads", "1", **settings, **servers)


def test_readiness_follows_the_servers(
    installation: Installation, broker: tuple[Proxy, str], database: tuple[Proxy, str]
) -> None:
    """From the first moment to the last it says what it waits for, and it lives all the time."""
    port = free_port()
    for proxy, _ in (broker, database):
        proxy.down()
    program = started(installation, port, broker[1], database[1])
    said = until_missing(port, "database", alone=False)
    assert "database" in said["waits_for"]
    assert page(port, "/livez")[0] == 200
    database[0].up()
    assert "connections to the broker" in until_missing(port, "broker")["waits_for"]
    broker[0].up()
    until_ready(port)
    assert set(parts(port)) == {"worker", "broker", "database"}

    for part, proxy in (("broker", broker[0]), ("database", database[0])):
        proxy.down()
        said = until_missing(port, part)
        assert "flowmanager:flowmanager" not in said["waits_for"]
        eventually(lambda part=part: metric(port, part) > 0, seconds=SECONDS)  # type: ignore[misc]
        assert page(port, "/livez")[0] == 200
        until_logged(program, "waits", part)
        proxy.up()
        until_ready(port)
        eventually(lambda part=part: metric(port, part) == 0, seconds=SECONDS)  # type: ignore[misc]
        until_logged(program, "waits_no_more", part)
    assert program.stop() == 0


def test_a_database_that_hangs_does_not_hang_the_pages(installation: Installation, database: tuple[Proxy, str]) -> None:
    """Connections that are open and silent: the pages answer at once, and tell it."""
    port = free_port()
    program = started(installation, port, installation.url, database[1])
    until_ready(port)
    database[0].pause()
    assert "an answer of the database" in until_missing(port, "database")["waits_for"]
    assert page(port, "/livez")[0] == 200
    database[0].resume()
    until_ready(port)
    assert program.stop() == 0


def test_a_visitor_who_says_nothing_does_not_keep_others_out(installation: Installation) -> None:
    """A worker is not taken for dead because somebody opened a connection."""
    port = free_port()
    program = started(installation, port, installation.url, installation.dsn)
    until_ready(port)
    with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
        assert page(port, "/livez") == (200, {"alive": True, "threads": 9, "faults": []})
    assert program.stop() == 0


def test_pages_of_health_need_no_metrics(installation: Installation) -> None:
    """An address is enough; without a path there are no metrics."""
    port = free_port(2)
    address = f"127.0.0.1:{port}"
    program = installation.start("serve", "--processes", "2", "--threads", "1", PROMETHEUS_LISTEN_ADDRESS=address)
    for number in (port, port + 1):
        until_ready(number)
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{number}/metrics", timeout=PAGE_SECONDS)
    assert program.stop() == 0


@pytest.fixture
def health() -> Health:
    return Health(Metrics())


def test_nothing_known_is_not_ready(health: Health) -> None:
    assert health.ready() == (False, {"ready": False, "parts": {}})


def test_a_wait_keeps_its_beginning_while_its_reason_changes(health: Health) -> None:
    told = Told("one thing")
    health.needs("x", told)
    first = health.waiting()["x"]
    told.text = "another thing"
    second = health.waiting()["x"]
    assert first
    assert second
    assert (second.text, second.since) == ("another thing", first.since)
    told.text = ""
    assert health.waiting()["x"] is None
    assert health.ready()[0]


class Still(Thread):
    """A thread that does not move."""

    alive_at = 0.0

    def __init__(self) -> None:
        super().__init__(name="still", daemon=True)
        self.over = Event()

    def run(self) -> None:
        """Stand still."""
        self.over.wait()


def test_threads_that_ended_or_hang_are_named(health: Health) -> None:
    still = Still()
    health.watches([still])
    assert health.alive()[1]["faults"] == ["still has ended"]
    still.start()
    assert HUNG_SECONDS > 0
    alive, body = health.alive()
    assert not alive
    assert body["faults"][0].startswith("still has not moved for ")
    still.over.set()
    still.join()


def beating(beat: Callable[[], None]) -> Heart:
    return Heart(beat, 0.01)


def test_a_heartbeat_says_what_it_waits_for() -> None:
    def lost() -> None:
        raise StoreLost(code=1290)

    heart = beating(lambda: None)
    assert heart.waits_for()
    assert heart.attempt()
    assert heart.waits_for() == ""
    heart = beating(lost)
    assert not heart.attempt()
    assert "1290" in heart.waits_for()


def test_a_heartbeat_with_a_fault_of_ours_goes_on() -> None:
    beats: list[int] = []

    def faulty() -> None:
        beats.append(1)
        if len(beats) == 1:
            raise ValueError("ours")

    heart = beating(faulty)
    heart.start()
    eventually(lambda: len(beats) > 2)
    heart.stop()
    heart.join()
    assert heart.waits_for() == ""


def test_a_heartbeat_that_hangs_is_noticed_from_outside() -> None:
    begun, over = Event(), Event()

    def hang() -> None:
        begun.set()
        over.wait()

    heart = beating(lambda: None)
    heart.attempt()
    heart._beat = hang
    heart.start()
    assert begun.wait(SECONDS)
    eventually(lambda: "an answer of the database" in heart.waits_for(), seconds=SLOW_SECONDS * 5)
    over.set()
    heart.stop()
    heart.join()
