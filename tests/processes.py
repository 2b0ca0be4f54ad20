"""Real `python -m flowmanager …` processes on a database and queue names of their own, stopped at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbelow
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import orjson

from flowmanager.core.ids import Id
from flowmanager.errors import FlowManagerError
from flowmanager.stub_managers.run import ServedStubs, serve_stubs
from flowmanager.stub_managers.world import Pace
from flowmanager.transport.caller import Caller
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session
from flowmanager.transport.subscriber import Subscriber
from tests.broker_room import eventually
from tests.services import Services, private_database

Json = dict[str, Any]
ROOT = Path(__file__).parent.parent
# Limits that only a fault reaches, also on a machine that is busy with other things.
START_SECONDS = 90.0
STOP_SECONDS = 90.0
ANSWER_SECONDS = 60.0
LAST_WORDS = 5_000
LEAST_PORT, FIRST_OUTGOING_PORT = 10_000, 32_768
PACE = Pace(step=0.01, media=0.03, bridge=0.1, alone=2.0, agent=0.1, ai=0.1)


class Program:
    """A running `python -m flowmanager …` in a process group of its own; what it says is kept in files."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, *, source: Path = ROOT
    ) -> None:
        """`folder`: where its output is kept; `source`: where the package lies."""
        self.files = [folder / f"{uuid4().hex}.{kind}" for kind in ("out", "err")]
        with ExitStack() as stack:
            out, err = (stack.enter_context(path.open("wb")) for path in self.files)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flowmanager", *arguments],
                env=dict(environment),
                cwd=source,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        """What it wrote so far for people and programs."""
        return self.files[0].read_text()

    @property
    def err(self) -> str:
        """What it wrote so far as its log."""
        return self.files[1].read_text()

    def logs(self, event: str = "") -> list[Json]:
        """The log lines so far, all or those of one event."""
        lines = [orjson.loads(line) for line in self.err.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if not event or line["event"] == event]

    def said(self, event: str, *, times: int = 1) -> None:
        """Wait until it has logged an event so often; fails at once when the program ends before."""

        def holds() -> bool:
            assert self.process.poll() is None or len(self.logs(event)) >= times, self.err
            return len(self.logs(event)) >= times

        eventually(holds, seconds=START_SECONDS)

    def tell(self, number: int) -> None:
        """Send a signal to the first process alone, as a supervisor does."""
        self.process.send_signal(number)

    def wait(self, *, seconds: float = STOP_SECONDS) -> int:
        """Return the exit status."""
        return self.process.wait(seconds)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end and return the exit status."""
        self.tell(number)
        return self.wait()

    def kill(self) -> None:
        """Kill every process of the group, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def end(self) -> None:
        """Kill what is left of it; if the test fails, pytest shows what it said last."""
        self.kill()
        print(f"{self.process.args!r} ended with {self.process.returncode}:\n{self.err[-LAST_WORDS:]}", file=sys.stderr)


@dataclass
class Installation:
    """One installation: settings, and everything that tests start in it."""

    dsn: str
    url: str
    folder: Path
    stack: ExitStack
    names: Names = field(default_factory=lambda: Names(f"test-{uuid4().hex}"))
    source: Path = ROOT
    """Where the package lies that its programs run: another version may work beside this one."""

    def environment(self, **settings: str) -> dict[str, str]:
        """Its settings, some of them replaced."""
        own = {
            "RABBITMQ_ADDRESS": self.url,
            "DATABASE_DSN": self.dsn,
            "FLOWMANAGER_QUEUE_PREFIX": self.names.prefix,
            "PYTHONFAULTHANDLER": "1",
        }
        return {**os.environ, **own, **settings}

    def start(self, *arguments: str, **settings: str) -> Program:
        """Start a program; it is killed at the end if it still runs."""
        program = Program(arguments, self.environment(**settings), self.folder, source=self.source)
        self.stack.callback(program.end)
        return program

    def run(self, *arguments: str, **settings: str) -> Program:
        """Run a program to its end."""
        program = self.start(*arguments, **settings)
        program.wait()
        return program

    def serve(self, *, processes: int = 1, threads: int = 2, **settings: str) -> Program:
        """Start a worker and wait until it answers."""
        program = self.start("serve", "--processes", str(processes), "--threads", str(threads), **settings)
        lanes = processes * (threads + max(threads // 4, 1) + 2 * max(threads // 2, 1))
        program.said("broker_connected", times=lanes)
        return program

    def stubs(self, *, pace: Pace = PACE) -> ServedStubs:
        """All other managers, in this process."""
        stubs = serve_stubs(self.url, names=self.names, pace=pace)
        self.stack.callback(stubs.stop)
        return stubs

    def client(self) -> Client:
        """Somebody who asks; used by one thread."""
        caller = Caller(self.url, publisher="call-manager", names=self.names)
        return Client(self.stack.enter_context(closing(caller)))

    def subscriber(self) -> Subscriber:
        """A listener to our events."""
        return self.stack.enter_context(closing(Subscriber(self.url, exchange=self.names.event)))

    def clear(self) -> None:
        """Delete what it left on the broker."""
        peers = "ai call conference contact conversation customer direct email message queue transcribe webhook"
        with closing(Session(self.url)) as session:
            channel = session.channel()
            for queue in (*self.names.own, *map(self.names.request_queue, peers.split())):
                channel.queue_delete(queue)
            for exchange in () if session.embedded else ("flow", *peers.split()):
                channel.exchange_delete(self.names.event_exchange(exchange))


@dataclass(frozen=True)
class Client:
    """Asks flow-manager and expects success where nothing else is said."""

    caller: Caller

    def ask(self, method: str, uri: str, data: Any = None, *, expect: int = 200, **options: Any) -> Any:
        """Return the data of the answer, which has the expected status."""
        status, _, answer = self.caller.call(method, uri, data, **{"seconds": ANSWER_SECONDS, **options})
        assert status == expect, answer
        return answer

    def status(self, method: str, uri: str, data: Any = None, **options: Any) -> int:
        """Return the status of the answer."""
        return self.caller.call(method, uri, data, **{"seconds": ANSWER_SECONDS, **options})[0]

    def show(self, activeflow_id: Id) -> Json:
        """An activeflow with history and variables."""
        shown: Json = self.ask("GET", f"/v1/activeflows/{activeflow_id}")
        return shown

    def flow(self, actions: Sequence[Json], **more: Any) -> Json:
        """Store a flow."""
        made: Json = self.ask(
            "POST", "/v1/flows", {"customer_id": CUSTOMER, "persist": True, "actions": actions, **more}
        )
        return made

    def activeflow(self, flow: Json, **more: Any) -> Id:
        """Create an activeflow of a call and return its id."""
        wanted = {
            "id": str(uuid4()),
            "customer_id": flow["customer_id"],
            "flow_id": flow["id"],
            "reference_type": "call",
            "reference_id": str(uuid4()),
            **more,
        }
        made: Id = self.ask("POST", "/v1/activeflows", wanted)["id"]
        return made

    def until_ended(self, activeflow_id: Id, *, seconds: float = ANSWER_SECONDS) -> Json:
        """Wait until an activeflow has ended and show it."""
        eventually(lambda: self.show(activeflow_id)["status"] == "ended", seconds=seconds)
        return self.show(activeflow_id)

    def until_answered(self) -> None:
        """Wait until somebody serves."""

        def answered() -> bool:
            with suppress(FlowManagerError):
                return self.status("GET", "/v1/flows?page_size=1", seconds=1.0) == 200
            return False

        eventually(answered, seconds=START_SECONDS)


def free_port(count: int = 1) -> int:
    """A port that nobody has, the first of some in a row.

    Below those that the system gives to outgoing connections: it takes the next even one for these, which is just the
    one after a port that it gave us to listen on.
    """
    while True:
        first = LEAST_PORT + randbelow(FIRST_OUTGOING_PORT - LEAST_PORT - count)
        with suppress(OSError), ExitStack() as taken:
            for port in range(first, first + count):
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


CUSTOMER = str(uuid4())


def act(action_type: str, /, name: str = "", **option: Any) -> Json:
    """An action; a name can be used as a target."""
    return {"type": action_type, **({"id": name} if name else {}), **({"option": option} if option else {})}


@contextmanager
def installed(dsn: str, url: str) -> Iterator[Installation]:
    """An installation on an empty database, without tables."""
    with TemporaryDirectory(prefix="flowmanager-test-") as folder, ExitStack() as stack:
        installation = Installation(dsn, url, Path(folder), stack)
        stack.callback(installation.clear)
        yield installation


@contextmanager
def migrated(services: Services) -> Iterator[Installation]:
    """An installation with tables in a database of its own."""
    with private_database(services.database_dsn) as dsn, installed(dsn, services.rabbitmq_address) as installation:
        done = installation.run("migrate")
        assert done.process.returncode == 0, done.err
        yield installation
