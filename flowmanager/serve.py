"""Running worker processes: one serves, several are watched over; the platform's signals end them in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from time import monotonic

import structlog

from flowmanager.bootstrap import Worker, make_worker
from flowmanager.errors import InvalidSetting, StoreLost
from flowmanager.exporter import serve_pages
from flowmanager.health import Health, Told, Watch
from flowmanager.memory import all_kept, keep_for_good, keep_little
from flowmanager.metrics import Metrics
from flowmanager.settings import Settings
from flowmanager.store.engine import make_engine
from flowmanager.store.standing import TOO_NEW, standing
from flowmanager.store.versions import Standing

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POLL_SECONDS = 0.2
RESTART_SECONDS = 1.0
"""How long to wait before a process that died is started again: a fault at the start must not spin."""
PROCESS_NUMBER = "FLOWMANAGER_PROCESS_NUMBER"
PARENT_PROCESS = "FLOWMANAGER_PARENT_PROCESS"
LONGEST_PREFIX = 100
"""The broker takes names of at most 255 bytes."""
REFUSED = {
    Standing.OLDER: "the database's tables are not of this version: run `flowmanager migrate` first",
    Standing.FOREIGN: TOO_NEW,
}
"""Why a worker does not serve on some tables."""
HOPELESS = 2
"""Exit status of a process that cannot serve as things are set: to start it again would not help."""


def check_settings(settings: Settings) -> None:
    """Raise InvalidSetting, naming what is missing."""
    for name, example in (
        ("rabbitmq_address", "amqp://guest:guest@localhost:5672/"),
        ("database_dsn", "mysql://user:password@localhost:3306/flowmanager"),
    ):
        if not getattr(settings, name):
            raise InvalidSetting(f"{name.upper()} is not set; an example: {example}", variable=name.upper())
    if len(settings.queue_prefix) > LONGEST_PREFIX:
        raise InvalidSetting(f"FLOWMANAGER_QUEUE_PREFIX is longer than {LONGEST_PREFIX} characters")


def on_signals(stopping: Event) -> None:
    """Have the signals that end a service set an event."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: stopping.set())


def wait_for_schema(settings: Settings, stopping: Event, health: Health) -> None:
    """Return when the tables are there; say what is waited for. Raises InvalidSetting for tables it cannot work on."""
    engine = make_engine(settings.database_dsn, pool_size=1)
    told = False
    waits = Told("the first answer of the database")
    health.needs("database", waits)
    try:
        while not stopping.is_set():
            try:
                check_tables(standing(engine))
                return
            except StoreLost as lost:
                waits.text = str(lost)
                if not told:
                    log.warning("database_unavailable", why=str(lost), retry="until it is back")
                told = True
                stopping.wait(1.0)
    finally:
        engine.dispose()


def check_schema_once(settings: Settings) -> None:
    """Raise InvalidSetting for tables that no worker process can work on; without a database they wait themselves."""
    engine = make_engine(settings.database_dsn, pool_size=1)
    try:
        check_tables(standing(engine))
    except StoreLost:
        return
    finally:
        engine.dispose()


def check_tables(found: Standing) -> None:
    """Say that the tables are newer, which is well during an update. Raises InvalidSetting for unusable ones."""
    if found in REFUSED:
        raise InvalidSetting(REFUSED[found])
    if found is Standing.NEWER:
        log.info("tables_newer", why="a newer version has migrated them, and allows this one")


def serve_one(settings: Settings) -> int:
    """Serve in this process until a signal comes. Return the exit status: 0 when everything in hand was finished."""
    stopping = Event()
    on_signals(stopping)
    check_settings(settings)
    keep_little()
    metrics = Metrics()
    health = Health(metrics)
    stage = Told("its start")
    health.needs("worker", stage)
    # Before anything is waited for: who waits is alive, and can say what for.
    with shown_pages(settings, metrics, health):
        wait_for_schema(settings, stopping, health)
        if stopping.is_set():
            return 0
        with all_kept():
            worker = make_worker(settings, metrics=metrics)
        keep_for_good()
        worker.start()
        worker.watched(health)
        log.info("worker_started", worker_id=worker.engine.worker_id, threads=settings.threads, pid=os.getpid())
        stage.text = ""
        with watched(health):
            wait_for_end(stopping)
        stage.text = "its end: it takes no more messages"
        health.watches(())  # they are about to end
        return 0 if stopped(worker, settings.stop_seconds) else 1


def stopped(worker: Worker, seconds: float) -> bool:
    """Stop a worker; say whether everything in hand was finished."""
    log.info("worker_stopping", worker_id=worker.engine.worker_id)
    clean = worker.stop(seconds)
    log.info("worker_stopped", clean=clean)
    return clean


@contextmanager
def shown_pages(settings: Settings, metrics: Metrics, health: Health) -> Iterator[None]:
    """Serve the pages of this process for the length of a block, where an address for them is set."""
    if not settings.prometheus_listen_address:
        yield
        return
    number = int(os.environ.get(PROCESS_NUMBER, "0"))
    endpoint, address = settings.prometheus_endpoint, settings.prometheus_listen_address
    server = serve_pages(metrics, health, endpoint, address, process=number)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def watched(health: Health) -> Iterator[None]:
    """Have the log tell what is waited for, for the length of a block."""
    watch = Watch(health)
    watch.start()
    try:
        yield
    finally:
        watch.stop()
        watch.join()


def wait_for_end(stopping: Event) -> None:
    """Return when a signal has come, or the process that watches over this one is gone."""
    parent = int(os.environ.get(PARENT_PROCESS, "0"))
    while not stopping.wait(POLL_SECONDS):
        if parent and os.getppid() != parent:
            log.error("parent_lost", parent=parent)
            return


def serve_many(arguments: Sequence[str], processes: int, settings: Settings) -> int:
    """Keep several worker processes running until a signal comes. Return 0 when all of them ended well.

    Raises InvalidSetting for a database on whose tables they cannot work.
    """
    stopping = Event()
    on_signals(stopping)
    check_schema_once(settings)
    children = [] if stopping.is_set() else [start_child(arguments, number) for number in range(processes)]
    while not stopping.wait(POLL_SECONDS):
        if not restart_dead(children, arguments, stopping):
            stop_children(children, settings.stop_seconds)
            return HOPELESS
    # A child first gives its own threads all the time there is.
    return stop_children(children, settings.stop_seconds + 5)


def restart_dead(children: list[subprocess.Popen[bytes]], arguments: Sequence[str], stopping: Event) -> bool:
    """Start processes again that have died; say whether there is hope for them."""
    for number, child in enumerate(children):
        if child.poll() is None:
            continue
        if child.returncode == HOPELESS:
            return False
        log.error("worker_died", process=number, status=child.returncode)
        if not stopping.wait(RESTART_SECONDS):
            children[number] = start_child(arguments, number)
    return True


def start_child(arguments: Sequence[str], number: int) -> subprocess.Popen[bytes]:
    """Start one worker process."""
    environment = {**os.environ, PROCESS_NUMBER: str(number), PARENT_PROCESS: str(os.getpid())}
    return subprocess.Popen([sys.executable, "-m", "flowmanager", *arguments], env=environment)


def stop_children(children: Sequence[subprocess.Popen[bytes]], seconds: float) -> int:
    """End the worker processes; those that do not end in time are killed. Return 0 when all ended well."""
    for child in children:
        child.send_signal(signal.SIGTERM)
    deadline = monotonic() + seconds
    statuses = [wait_or_kill(child, max(deadline - monotonic(), 0.1)) for child in children]
    # One that the signal met before it could serve had nothing in hand.
    return 0 if {0, -signal.SIGTERM}.issuperset(statuses) else 1


def wait_or_kill(child: subprocess.Popen[bytes], seconds: float) -> int:
    """Return the exit status of a process, which is killed when it takes too long."""
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
