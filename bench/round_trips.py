"""Round trips to the database, counted on the wire: a proxy that sees each command of the worker."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Thread
from time import monotonic, sleep

from sqlalchemy import make_url

from bench.pump import Scenario
from bench.room import ROOT, Side, load, served
from tests.services import Services

HEADER = 4
CHUNK = 65536
IDLE_SECONDS = 3.0
SETTLE_SECONDS = 0.5
"""How long what follows the answers may take."""
COUNTED_SECONDS = 2.0


class Commands:
    """Counts the commands in what a client of MySQL sends: each begins with packet number 0."""

    def __init__(self) -> None:
        self.number = 0

    def reader(self) -> Generator[None, bytes, None]:
        """Read one connection: take bytes by `send`."""
        buffer = b""
        while True:
            buffer += yield
            while len(buffer) >= HEADER and len(buffer) >= HEADER + int.from_bytes(buffer[:3], "little"):
                self.number += buffer[3] == 0
                buffer = buffer[HEADER + int.from_bytes(buffer[:3], "little") :]


@contextmanager
def counting(dsn: str) -> Iterator[tuple[str, Commands]]:
    """A database URL that leads through the proxy, and what it counts: nothing could be seen of an encrypted way."""
    url, commands = make_url(dsn).update_query_dict({"tls": "false"}), Commands()
    listener = socket.create_server(("127.0.0.1", 0))
    Thread(target=accept, args=(listener, (url.host or "127.0.0.1", url.port or 3306), commands), daemon=True).start()
    through = url.set(host="127.0.0.1", port=listener.getsockname()[1])
    try:
        yield through.render_as_string(hide_password=False), commands
    finally:
        listener.close()


def accept(listener: socket.socket, server: tuple[str, int], commands: Commands) -> None:
    """Hand on every connection."""
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            upstream = socket.create_connection(server)
            for near, far, counts in ((client, upstream, True), (upstream, client, False)):
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Thread(target=pipe, args=(near, far, commands if counts else None), daemon=True).start()


def pipe(source: socket.socket, target: socket.socket, commands: Commands | None) -> None:
    """Hand on bytes in one direction."""
    reader = commands.reader() if commands else None
    if reader:
        next(reader)
    with suppress(OSError):
        while data := source.recv(CHUNK):
            if reader:
                reader.send(data)
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def idle_rate(commands: Commands) -> float:
    """Return how many commands a second a worker sends that has nothing to do."""
    before = commands.number
    sleep(IDLE_SECONDS)
    return (commands.number - before) / IDLE_SECONDS


class Lone:
    """A worker of one process, few threads."""

    threads, processes = 2, 1


def counted(services: Services, wanted: Sequence[Scenario]) -> dict[str, float]:
    """Return the round trips of one operation of each scenario, those of an idle worker subtracted."""
    with counting(services.database_dsn) as (dsn, commands):
        through = replace(services, database_dsn=dsn)
        with served(through, ROOT, "counted", Lone()) as side:
            idle = idle_rate(commands)
            return {one.name: trips_of(side, one, commands, idle) for one in wanted if one.least}


def trips_of(side: Side, scenario: Scenario, commands: Commands, idle: float) -> float:
    """Return the round trips of one operation, those for what follows its answer included."""
    with load(side, scenario.name, 1) as running:
        running.round(0.5)
        sleep(SETTLE_SECONDS)
        before, started = commands.number, monotonic()
        finished: int = running.round(COUNTED_SECONDS)["finished"]
        sleep(SETTLE_SECONDS)
        return (commands.number - before - idle * (monotonic() - started)) / finished
