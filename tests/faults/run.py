"""One run: servers, workers, stub managers, callers, faults; then the end is awaited and judged."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from flowmanager.crew import KEEP_SECONDS
from flowmanager.errors import BrokerLost
from flowmanager.settings import Settings
from flowmanager.store.engine import make_engine
from flowmanager.store.migrate import migrate
from flowmanager.stub_managers.records import Exchange
from flowmanager.stub_managers.run import ServedStubs
from flowmanager.stub_managers.world import Pace
from flowmanager.transport.names import Names
from flowmanager.transport.session import Session
from tests.faults.asker import Patience
from tests.faults.breakage import BROKEN
from tests.faults.callers import Caller
from tests.faults.checker import Verdict, judge_folder
from tests.faults.clock import JUMPING, make_clock
from tests.faults.commits import MOMENTS
from tests.faults.history import History, Json, write_snapshot
from tests.faults.kinds import KINDS
from tests.faults.links import FaultyLink
from tests.faults.listener import Listener
from tests.faults.nuisance import Nuisance
from tests.faults.post import Post
from tests.faults.servers import Server
from tests.faults.snapshot import pending, queue_sizes, rows_of, versions
from tests.faults.stage import Stage, prepare
from tests.faults.standstill import Standstill
from tests.faults.weather import Weather
from tests.faults.workers import STOP_SECONDS, THREADS, Crew, Slot, faulty_lines
from tests.services import Services, private_database

SETTLE_SECONDS = 15.0
START_SECONDS = 120.0
"""How long servers and workers may take to start, or to end in order before."""
SCRIPT_SECONDS = 90.0
PACE = Pace(step=0.02, media=0.1, bridge=0.1, alone=2.0, agent=0.1, ai=0.1)
SWEEPERS = 8
LANES = THREADS + 2 * max(THREADS // 2, 1) + SWEEPERS
"""Connections to the broker that a worker may have at most, once nobody waits for slow managers any more."""
POOL = 2 * (2 * THREADS + 2) + 1
SOCKETS = LANES + POOL + 20
"""Connections of all kinds; a few more are open for a moment while old ones are given up."""
MEGABYTES = 250
ORPHAN_SECONDS = Settings().orphan_seconds
EVENT_COPIES = "/v1/webhooks"
"""Where every event goes once more, for customers: it would fill the disk."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a run is like. Times in seconds."""

    seed: int
    seconds: float = 60.0
    gap: tuple[float, float] = (0.5, 3.0)
    callers: int = 6
    workers: int = 3
    broken: str = ""
    user: str = ""
    """As whom workers come to the database, if not as everybody: who is ordinary cannot write when it is read-only."""
    commits: int = 0
    """Workers die or stop at each of their first so many commits, at every moment around it, and nothing else comes."""


@dataclass(frozen=True)
class Result:
    """What came of a run."""

    verdict: Verdict
    setting: str
    """What it ran on."""
    timeline: list[str]
    folder: Path


class Run:
    """Everything that is up during a run; what is started is stopped by the stack."""

    def __init__(self, options: Options, dsn: str, url: str, folder: Path, stack: ExitStack) -> None:
        self.options, self.dsn, self.url, self.folder, self.stack = options, dsn, url, folder, stack
        self.names = Names(f"chaos-{uuid4().hex[:12]}")
        self.history = stack.enter_context(closing(History(folder)))
        self.links = {name: self.link(*address) for name, address in self.addresses().items()}
        self.patience = Patience()
        stack.callback(self.clear)
        self.stubs = self.start_stubs()
        self.stage = self.make_stage()
        settings = self.stage.random("settings")
        self.orphan_seconds = settings.choice((3.0, ORPHAN_SECONDS))
        self.quorum = settings.choice((True, False))
        self.crew = Crew([self.slot(number) for number in range(1, options.workers + 1)])
        stack.callback(self.crew.kill)
        self.listener = Listener(url, self.names, self.history)

    def addresses(self) -> Mapping[str, tuple[str, int]]:
        """What can be disturbed."""
        database, broker = make_url(self.dsn), urlsplit(self.url)
        to_broker = (broker.hostname or "127.0.0.1", broker.port or 5672)
        to_database = (database.host or "127.0.0.1", database.port or 3306)
        return {"workers-broker": to_broker, "workers-database": to_database, "callers-broker": to_broker}

    def link(self, host: str, port: int) -> FaultyLink:
        """Put a proxy in front of a server."""
        return self.stack.enter_context(closing(FaultyLink(host, port)))

    def through(self, name: str) -> str:
        """Return the broker's address through a proxy."""
        parts = urlsplit(self.url)
        login = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{login}@127.0.0.1:{self.links[name].port}").geturl()

    def start_stubs(self) -> ServedStubs:
        """Start all other managers; what they are asked goes into the history."""
        stubs = ServedStubs(self.url, names=self.names, pace=PACE)

        def observe(record: Any) -> None:
            if isinstance(record, Exchange) and record.seen.uri != EVENT_COPIES:
                self.history.add("seen", status=record.status_code, **record.seen.wire() | {"at": ""})

        stubs.observers.append(observe)
        stubs.start()
        self.stack.callback(stubs.stop)
        return stubs

    def make_stage(self) -> Stage:
        """Return what callers share."""
        url, seed = self.through("callers-broker"), self.options.seed
        post = self.stack.enter_context(closing(Post(url)))
        return Stage(url, self.names, self.history, self.patience, seed, self.stubs, post)

    def slot(self, number: int) -> Slot:
        """Return the place of a worker."""
        database = make_url(self.dsn).set(host="127.0.0.1", port=self.links["workers-database"].port)
        database = database.set(username=self.options.user or database.username)
        own = {
            "RABBITMQ_ADDRESS": self.through("workers-broker"),
            "DATABASE_DSN": database.render_as_string(hide_password=False),
            "FLOWMANAGER_QUEUE_PREFIX": self.names.prefix,
            "FLOWMANAGER_ORPHAN_SECONDS": str(self.orphan_seconds),
            "FLOWMANAGER_HEARTBEAT_SECONDS": str(min(self.orphan_seconds / 3, 2.0)),
            "FLOWMANAGER_MEDIA_WAIT_SECONDS": "5",
            "FLOWMANAGER_QUORUM_QUEUES": str(self.quorum).lower(),
            "FLOWMANAGER_BREAKER_SECONDS": "2",
            "FLOWMANAGER_STOP_SECONDS": str(STOP_SECONDS),
            JUMPING: "1",
            "PYTHONFAULTHANDLER": "1",
        }
        broken = {BROKEN: self.options.broken} if self.options.broken else {}
        return Slot(number, {**os.environ, **own, **broken}, self.folder, self.history)

    def clear(self) -> None:
        """Delete what the run left on the broker."""
        peers = list(self.stubs.stubs)
        with closing(Session(self.url)) as session, session.guard():
            channel = session.channel()
            own = (*self.names.own, self.listener.queue)
            for queue in (*own, *map(self.names.request_queue, peers)):
                channel.queue_delete(queue)
            for exchange in ("flow", "customer", *peers):
                channel.exchange_delete(self.names.event_exchange(exchange))

    def play(self, servers: Mapping[str, Server]) -> Result:
        """Run and judge."""
        setting = self.setting()
        self.history.add("setting", text=setting)
        self.listener.start()
        self.listener.bound.wait(30)
        self.crew.start()
        asker = self.stage.asker("prepare")
        prepare(self.stage, asker)
        asker.close()
        threads = [Caller(self.stage, number) for number in range(self.options.callers)]
        for thread in (*threads, Nuisance(self.stage)):
            thread.start()
        weather = self.weather(servers)
        weather.blow(self.options.seconds, self.options.gap)
        weather.calm()
        self.await_all()
        self.patience.calm()
        self.stage.closing.set()
        self.settle(weather, threads)
        write_snapshot(self.folder, self.snapshot())
        for line in faulty_lines(self.folder):
            self.history.add("complaint", **line)
        return Result(judge_folder(self.folder), setting, weather.timeline, self.folder)

    def setting(self) -> str:
        """Say what this run is on."""
        queues = "replicated" if self.quorum else "classic"
        return f"{versions(self.dsn, self.url)}, {queues} queues, takeover after {self.orphan_seconds:.0f} s"

    def await_all(self) -> None:
        """Wait until broker, database and workers serve: from then on everything must move."""
        deadline = monotonic() + START_SECONDS
        while not (self.answered() and all(slot.serving for slot in self.crew.slots)):
            if monotonic() > deadline:
                self.history.add("complaint", worker="all", event="not_serving", text="somebody did not come back")
                return
            self.crew.look(0.0)
            sleep(0.2)

    def answered(self) -> bool:
        """Say whether broker and database answer."""
        try:
            pending(self.dsn)
            queue_sizes(self.url, self.names)
        except (DBAPIError, BrokerLost):
            return False
        return True

    def weather(self, servers: Mapping[str, Server]) -> Weather:
        """Return the maker of faults."""
        random = self.stage.random("weather")
        points = deque(product(range(1, self.options.commits + 1), MOMENTS))
        facts = (self.orphan_seconds, self.dsn, points)
        return Weather(KINDS, self.stage, self.history, random, self.crew, self.links, servers, *facts)

    def settle(self, weather: Weather, threads: list[Caller]) -> None:
        """Wait until callers have finished their scripts and nothing moves any more."""
        with Standstill(self.dsn, self.history):
            self.watch(weather, SCRIPT_SECONDS, lambda: not any(thread.is_alive() for thread in threads))
            self.watch(weather, SETTLE_SECONDS, self.rests)
        self.listener.stop()

    def watch(self, weather: Weather, seconds: float, over: Any) -> None:
        """Keep the workers up until something is over."""
        deadline = monotonic() + seconds
        while not over() and monotonic() < deadline:
            weather.crew.look(0.0)
            sleep(0.2)

    def rests(self) -> bool:
        """Say whether nothing will move by itself."""
        try:
            return pending(self.dsn) == 0
        except DBAPIError:
            return False

    def snapshot(self) -> Json:
        """Measure and kill the workers, then see what is left."""
        self.wait_for_relief()
        gauges = self.gauges()
        self.crew.kill()
        self.stubs.stop()
        sleep(0.5)  # the broker takes back what was not acknowledged when it sees the connections gone
        return {**rows_of(self.dsn), "queues": self.sizes(), "gauges": gauges}

    def sizes(self) -> dict[str, int]:
        """Return what is left in the queues."""
        for _ in range(50):
            try:
                return queue_sizes(self.url, self.names)
            except BrokerLost:
                sleep(0.2)
        return {}

    def wait_for_relief(self) -> None:
        """Let threads leave that stepped in for others, where there are many: they have connections of their own."""
        deadline = monotonic() + KEEP_SECONDS + 5
        while self.links["workers-broker"].pairs > len(self.crew.slots) * LANES and monotonic() < deadline:
            sleep(0.2)

    def gauges(self) -> dict[str, float]:
        """Measure connections and memory: those of now, and the most that any worker had."""
        workers = len(self.crew.slots)
        measured: dict[str, float] = {
            "broker connections": self.links["workers-broker"].pairs,
            "broker connections limit": workers * LANES,
            "database connections": self.links["workers-database"].pairs,
            "database connections limit": workers * POOL,
        }
        for slot in self.crew.slots:
            most = {"megabytes": slot.usage.megabytes, "connections": slot.usage.sockets}
            measured |= {f"{slot.name} {what}": number for what, number in most.items()}
            measured |= {f"{slot.name} megabytes limit": MEGABYTES, f"{slot.name} connections limit": SOCKETS}
        return measured


@contextmanager
def migrated(dsn: str) -> Iterator[str]:
    """A database of its own with all tables."""
    with private_database(dsn) as own:
        engine = make_engine(own, pool_size=1)
        migrate(engine)
        engine.dispose()
        make_clock(own)
        yield own


def run_chaos(options: Options, services: Services, servers: Mapping[str, Server], folder: Path) -> Result:
    """Run on these servers; the history stays in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with migrated(services.database_dsn) as dsn, ExitStack() as stack:
        return Run(options, dsn, services.rabbitmq_address, folder, stack).play(servers)
