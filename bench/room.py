"""What a measurement needs: servers, a database, worker processes of one revision, the load generator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Protocol
from uuid import uuid4

import orjson
import psutil

from bench import limit
from bench.flows import created, stored
from bench.ivr import IVR
from bench.pump import Pump, User
from flowmanager.errors import FlowManagerError
from flowmanager.transport.caller import Caller
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session
from tests.services import Services, private_database

ROOT = Path(__file__).parent.parent
STOP_SECONDS = 20.0
READY_SECONDS = 30.0


class Shape(Protocol):
    """How a worker is run."""

    @property
    def threads(self) -> int:
        """Of each process."""

    @property
    def processes(self) -> int:
        """How many."""


@dataclass(eq=False, slots=True)
class Side:
    """Worker processes of one revision, with a database and names of their own."""

    label: str
    dsn: str
    url: str
    names: Names
    pids: list[int] = field(default_factory=list)

    def order(self, scenario: str, in_flight: int) -> dict[str, Any]:
        """Return what the load generator is told."""
        queue = LEAST_QUEUE + self.names.prefix if scenario.startswith("least_") else self.names.request
        return {
            "scenario": scenario,
            "in_flight": in_flight,
            "url": self.url,
            "queue": queue,
            "event_queue": self.names.event,
            "event_exchange": self.names.event,
        }


LEAST_QUEUE = "bench.least."


@contextmanager
def served(services: Services, folder: Path, label: str, shape: Shape) -> Iterator[Side]:
    """A worker of the revision in a folder, and stub managers, on an empty database."""
    names = Names(f"bench-{uuid4().hex[:8]}")
    with private_database(services.database_dsn) as dsn:
        side = Side(label, dsn, services.rabbitmq_address, names)
        environment = environment_of(side, folder)
        subprocess.run(command("migrate"), env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        serve = command("serve", "--threads", str(shape.threads), "--processes", str(shape.processes))
        stubs = command("stub-managers", "--speed", "1000")
        with program(stubs, environment, folder) as peers:
            # First: the worker binds its queue to their exchanges when it connects.
            expect_line(peers)
            with webhooks(side), program(serve, environment, folder) as worker:
                wait_until_answered(side)
                side.pids = family(worker.pid)
                yield side


def environment_of(side: Side, folder: Path) -> dict[str, str]:
    """Return the settings of a worker."""
    own = {
        "RABBITMQ_ADDRESS": side.url,
        "DATABASE_DSN": side.dsn,
        "FLOWMANAGER_QUEUE_PREFIX": side.names.prefix,
        "PYTHONPATH": str(folder),
        # An activeflow with a long history has to be resumed more often than people do.
        "FLOWMANAGER_LIMIT_EXECUTIONS": "1000000000",
    }
    return {**os.environ, **own}


def command(*arguments: str) -> list[str]:
    """Return a command line of the program."""
    return [sys.executable, "-m", "flowmanager", *arguments]


@contextmanager
def program(arguments: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended at the end; its log goes to a file."""
    log = Path(os.environ.get("BENCH_LOG", os.devnull))
    with log.open("ab") as errors:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        process = subprocess.Popen(arguments, env=dict(environment), cwd=folder, text=True, **pipes)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=STOP_SECONDS)
        process.kill()
        process.wait()


@contextmanager
def least(side: Side, threads: int) -> Iterator[int]:
    """The least worker, with its tables in the database of a side; yields its process."""
    limit.prepare(side.dsn)
    order: dict[str, Any] = {
        "dsn": side.dsn,
        "url": side.url,
        "queue": LEAST_QUEUE + side.names.prefix,
        "threads": threads,
    }
    declare(side.url, order["queue"])
    arguments = [sys.executable, "-m", "bench.limit", orjson.dumps(order).decode()]
    with program(arguments, {**os.environ, "PYTHONPATH": str(ROOT)}, ROOT) as process:
        expect_line(process)
        yield process.pid


@contextmanager
def webhooks(side: Side) -> Iterator[None]:
    """Who takes the requests for webhooks."""
    arguments = [sys.executable, "-m", "bench.webhooks", side.url, side.names.request_queue("webhook")]
    with program(arguments, {**os.environ, "PYTHONPATH": str(ROOT)}, ROOT) as process:
        expect_line(process)
        yield


@dataclass(frozen=True, slots=True)
class Load:
    """A running load generator."""

    process: subprocess.Popen[str]

    def round(self, seconds: float) -> dict[str, Any]:
        """Run for so long; return what `told` does."""
        self.begin(seconds)
        return self.told()

    def begin(self, seconds: float) -> None:
        """Begin to run for so long."""
        assert self.process.stdin
        self.process.stdin.write(orjson.dumps({"seconds": seconds}).decode() + "\n")
        self.process.stdin.flush()

    def told(self) -> dict[str, Any]:
        """Wait for the end; return operations a second, the seconds of each, and how many were finished at last."""
        told: dict[str, Any] = expect_line(self.process)
        return told


@contextmanager
def load(side: Side, scenario: str, in_flight: int) -> Iterator[Load]:
    """A load generator whose users have begun."""
    arguments = [sys.executable, "-m", "bench.load"]
    with program(arguments, {**os.environ, "PYTHONPATH": str(ROOT)}, ROOT) as process:
        assert process.stdin
        process.stdin.write(orjson.dumps(side.order(scenario, in_flight)).decode() + "\n")
        process.stdin.flush()
        expect_line(process)
        yield Load(process)


def expect_line(process: subprocess.Popen[str]) -> Any:
    """Return the next line of a process as JSON, if it is that. Raises RuntimeError when it ended instead."""
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with status {process.wait()}; BENCH_LOG=file shows why")
    return orjson.loads(line) if line.startswith("{") else line


def wait_until_answered(side: Side) -> None:
    """Return when somebody serves."""
    end = monotonic() + READY_SECONDS
    with closing(Caller(side.url, publisher="bench", names=side.names)) as caller:
        while monotonic() < end:
            with suppress(FlowManagerError):
                if caller.call("GET", "/v1/flows?page_size=1", seconds=1.0)[0] == 200:
                    return
    raise RuntimeError("nobody serves; BENCH_LOG=file shows why")


def end_one(side: Side) -> None:
    """Have an activeflow that has ended."""
    with Pump(side.url, side.names.request) as pump:
        flow_id = stored(pump, IVR)
        made: list[str] = []

        def user() -> User:
            made.append((yield from created(flow_id)))

        pump.finish([user()])
        pump.ask("POST", f"/v1/activeflows/{made[0]}/stop")


def declare(url: str, queue: str) -> None:
    """Have a queue on the broker."""
    with closing(Session(url)) as session:
        session.channel().queue_declare(queue, durable=True, auto_delete=False)


def family(pid: int) -> list[int]:
    """Return a process and its children: with several workers the first one only watches."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]
