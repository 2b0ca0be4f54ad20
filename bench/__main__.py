"""`python -m bench`: measure, print a table, write results and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bench import scenarios
from bench.filling import fill
from bench.measure import Lane, Plan, Result, measured
from bench.plot import draw
from bench.pump import Scenario
from bench.report import ratios, table, write
from bench.revisions import checked_out
from bench.room import ROOT, Side, end_one, least, served
from bench.round_trips import counted
from bench.targets import reached
from flowmanager.discover import collect
from tests.services import Services, start_services

HERE = "this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says."""

    only: str
    in_flight: str
    seconds: float
    rounds: int
    warm_up: float
    threads: int
    processes: int
    rows: int
    compare: str
    out: str

    def groups(self) -> list[list[Scenario]]:
        """Return the scenarios that are measured in turns. One that listens to events is alone: it hears of all."""
        alone = [one for one in self.scenarios() if one.listens or one.last]
        together = [one for one in self.scenarios() if one not in alone]
        return [together, *([one] for one in alone)]

    def scenarios(self) -> list[Scenario]:
        """Return the chosen scenarios, the least workers' first: all others are shown as a ratio to them."""
        chosen = self.only.split(",") if self.only else []
        found = sorted(collect(scenarios, Scenario), key=lambda one: (bool(one.least), one.last, one.name))
        return [one for one in found if not one.least or not chosen or one.name in chosen]

    def loads(self) -> list[int]:
        """Return the numbers of requests at the same time."""
        return [int(one) for one in self.in_flight.split(",")]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", default="", help="Scenarios, separated by commas; none: all.")
@click.option("--in-flight", default="1,8,32", show_default=True, help="Requests at the same time.")
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--warm-up", default=1.5, show_default=True, help="Seconds before the first round.")
@click.option("--threads", default=8, show_default=True, help="Threads of each worker process.")
@click.option("--processes", default=1, show_default=True, help="Processes of the worker.")
@click.option("--rows", default=0, help="Ended activeflows that fill the tables before.")
@click.option("--compare", default="", help="A git revision to measure beside this tree, in turns.")
@click.option("--out", default=str(ROOT / "bench" / "results"), show_default=True, help="Folder of the results.")
def main(**options: Any) -> None:
    """Measure the worker on real servers, beside the least that any worker must do."""
    wanted = Wanted(**options)
    with ExitStack() as stack:
        services = start_services(stack)
        sides = [stack.enter_context(side) for side in workers(wanted, services, stack)]
        pid = stack.enter_context(least(sides[0], wanted.threads))
        if wanted.rows:
            end_one(sides[0])
            fill(sides[0].dsn, wanted.rows)
        results = in_order(all_results(wanted, services, sides, pid), wanted)
    if not wanted.compare:
        trips = counted(services, wanted.scenarios())
        for result in results:
            result.round_trips = trips.get(result.scenario)
    click.echo(table(results))
    if wanted.compare:
        click.echo(ratios(results, HERE, wanted.compare))
    click.echo(reached([one for one in results if one.label == HERE]))
    folder = Path(wanted.out)
    write(results, folder)
    draw(results, folder)


def workers(wanted: Wanted, services: Services, stack: ExitStack) -> Iterator[AbstractContextManager[Side]]:
    """Yield this tree's worker, and that of the revision it is compared with."""
    yield served(services, ROOT, HERE, wanted)
    if wanted.compare:
        folder = stack.enter_context(checked_out(wanted.compare))
        yield served(services, folder, wanted.compare, wanted)


def all_results(wanted: Wanted, services: Services, sides: list[Side], least_pid: int) -> Iterator[Result]:
    """Measure everything, scenarios and revisions in turns."""
    for group in wanted.groups():
        for in_flight in wanted.loads():
            plan = Plan(in_flight, wanted.seconds, wanted.rounds, wanted.warm_up)
            for result in measured(plan, services, list(lanes(group, sides, least_pid))):
                click.echo(result.line(), err=True)
                yield result


def in_order(results: Iterable[Result], wanted: Wanted) -> list[Result]:
    """Return the results by scenario."""
    names = [one.name for one in wanted.scenarios()]
    return sorted(results, key=lambda one: names.index(one.scenario))


def lanes(group: list[Scenario], sides: list[Side], least_pid: int) -> Iterator[Lane]:
    """Yield each scenario on each side; the least workers have one."""
    for scenario in group:
        if scenario.least:
            yield from (Lane(scenario.name, side, side.pids) for side in sides)
        else:
            yield Lane(scenario.name, sides[0], [least_pid])


if __name__ == "__main__":
    main()
