"""How soon a worker answers: `python -m bench.start` starts it again and again and tells the seconds and its memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from statistics import median
from time import perf_counter, sleep
from uuid import uuid4

import click

from bench.machine import memory_of
from bench.room import ROOT, Side, command, environment_of, program
from flowmanager.errors import PeerUnroutable
from flowmanager.transport.caller import Caller
from flowmanager.transport.names import Names
from tests.services import private_database, start_services

LATEST_SECONDS = 60.0
IDLE_SECONDS = 2.0
"""After the answer, before memory is looked at: connections are still being made."""
UNCOMPILED = "PYTHONDONTWRITEBYTECODE"
"""Where it is set Python compiles the package at each start, which it does once for all others."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--starts", default=9, show_default=True)
def main(starts: int) -> None:
    """Tell the time from the start of a process to its first answer, and its memory when it has nothing to do."""
    os.environ.pop(UNCOMPILED, None)
    with ExitStack() as stack:
        services = start_services(stack)
        dsn = stack.enter_context(private_database(services.database_dsn))
        side = Side("this", dsn, services.rabbitmq_address, Names(f"bench-{uuid4().hex[:8]}"))
        subprocess.run(
            command("migrate"), env=environment_of(side, ROOT), cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        # The first of them makes the queue, in which requests wait from then on until somebody is there.
        found = list(islice(each_start(side), 1, starts + 1))
    seconds, memory = [one for one, _ in found], [one / 1e6 for _, one in found]
    click.echo(
        f"first answer after {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), {starts} starts"
    )
    click.echo(f"memory when idle {median(memory):.0f} MB")


def each_start(side: Side) -> Iterator[tuple[float, int]]:
    """Start a worker, again and again; yield the seconds until it has answered, and its resident bytes."""
    environment = environment_of(side, ROOT)
    with closing(Caller(side.url, publisher="bench", names=side.names)) as caller:
        while True:
            started = perf_counter()
            with program(command("serve"), environment, ROOT) as worker:
                seconds = asked_until_answered(caller) - started
                sleep(IDLE_SECONDS)
                yield seconds, memory_of([worker.pid])


def asked_until_answered(caller: Caller) -> float:
    """Ask at once, and return when the answer is there; nobody has made the queue before the first start."""
    while True:
        try:
            caller.call("GET", "/v1/flows?page_size=1", seconds=LATEST_SECONDS)
        except PeerUnroutable:
            sleep(0.1)
        else:
            return perf_counter()


if __name__ == "__main__":
    main()
