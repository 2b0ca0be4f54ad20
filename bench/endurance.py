"""Whether a worker grows: `python -m bench.endurance REQUESTS` tells its memory while it answers so many."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import click

from bench.machine import memory_of
from bench.room import ROOT, load, served
from tests.services import start_services

ROUND_SECONDS = 20.0
SCENARIOS = (("next", 8), ("get", 8), ("create", 4), ("event", 4))
"""What is asked, at the same time, and by how many."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One process as it is by default."""

    threads: int = 8
    processes: int = 1


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("requests", type=int)
def main(requests: int) -> None:
    """Run all kinds of requests in turns until there were so many operations; print the memory after each round."""
    with ExitStack() as stack:
        services = start_services(stack)
        side = stack.enter_context(served(services, ROOT, "this", Shape()))
        loads = [stack.enter_context(load(side, name, users)) for name, users in SCENARIOS]
        click.echo(f"{0:9} operations {memory_of(side.pids) / 1e6:6.1f} MB")
        done = 0
        while done < requests:
            for one in loads:
                done += one.round(ROUND_SECONDS / len(loads))["finished"]
            click.echo(f"{done:9} operations {memory_of(side.pids) / 1e6:6.1f} MB")


if __name__ == "__main__":
    main()
