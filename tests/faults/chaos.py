"""`python -m tests.faults.chaos`: run with faults, judge, and say so."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from time import time

import click
import structlog

from tests.faults.breakage import BREAKAGES, FOUND_BY
from tests.faults.checker import Verdict, judge_folder
from tests.faults.run import Options, Result, run_chaos
from tests.faults.servers import Server, own_servers
from tests.faults.stage import NotPrepared
from tests.faults.violation import Violation
from tests.services import Services, start_services

SHOWN = 5
ORDINARY_USER = "ordinary"
"""Known to servers of our own beside the user who may do everything; the password is the same."""
PROOF_SEEDS = 5
PROOF_GAP = (0.3, 1.5)
"""Seconds between faults when a broken build is to be found out: a minute is short."""


@contextmanager
def servers_of(own: bool) -> Iterator[tuple[Services, Mapping[str, Server]]]:
    """Servers of this run alone, or those that the tests use."""
    with ExitStack() as stack:
        yield own_of(stack) if own else (start_services(stack), {})


def own_of(stack: ExitStack) -> tuple[Services, Mapping[str, Server]]:
    """Start servers of this run alone."""
    try:
        return stack.enter_context(own_servers(Path(mkdtemp(prefix="flowmanager-servers-"))))
    except subprocess.CalledProcessError as error:
        raise click.ClickException("no servers of our own could be started; try --given-servers") from error


def report(result: Result, options: Options) -> None:
    """Say what happened."""
    click.echo(f"seed {options.seed}, {options.seconds:.0f} s" + (f", broken: {options.broken}" * bool(options.broken)))
    click.echo(f"on {result.setting}")
    for line in result.timeline:
        click.echo(line)
    tell(result.verdict)
    click.echo(f"history: {result.folder}")


def tell(verdict: Verdict) -> None:
    """Say what was found: a few of each sort."""
    sorts: dict[str, list[Violation]] = {}
    for violation in verdict.violations:
        sorts.setdefault(f"{violation.invariant} {violation.sort}", []).append(violation)
    for sort, found in sorts.items():
        for violation in found[:SHOWN]:
            click.echo(f"  {violation}")
        if len(found) > SHOWN:
            click.echo(f"  … and {len(found) - SHOWN} more of {sort}")
    click.echo(str(verdict))


@click.command()
@click.option("--seed", type=int, help="Which faults; without it one that is told.")
@click.option("--seeds", default=1, show_default=True, help="How many runs, with following seeds.")
@click.option("--seconds", default=60.0, show_default=True, help="How long faults come.")
@click.option("--gap", nargs=2, type=float, default=(0.5, 3.0), show_default=True, help="Seconds between faults.")
@click.option("--commits", default=0, help="Kill workers at each of their first so many commits, before anything else.")
@click.option("--callers", default=6, show_default=True)
@click.option("--workers", default=3, show_default=True)
@click.option(
    "--own-servers/--given-servers", default=True, help="Servers that may be restarted, or those of the tests."
)
@click.option("--folder", type=click.Path(path_type=Path), help="Where histories are kept.")
@click.option("--broken", default="", type=click.Choice(["", *BREAKAGES]), help="Break the workers on purpose.")
@click.option("--prove", is_flag=True, help="Run every build that is broken on purpose until it is found invalid.")
@click.option("--check", type=click.Path(path_type=Path, exists=True), help="Judge the history in this folder again.")
def main(check: Path | None, prove: bool, own_servers: bool, **given: object) -> None:
    """Run flow-manager under faults and say whether anything was lost, doubled, accepted late or stuck."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    if check is not None:
        verdict = judge_folder(check)
        tell(verdict)
        sys.exit(not verdict.valid)
    folder = Path(str(given.pop("folder") or mkdtemp(prefix="flowmanager-chaos-")))
    seeds, seed = int(str(given.pop("seeds"))), given.pop("seed")
    first = int(str(seed)) if seed is not None else int(time()) % 100_000
    with servers_of(own_servers) as (services, servers):

        def run(number: int, broken: str) -> Verdict:
            user = ORDINARY_USER if own_servers else ""
            options = Options(**{**given, "seed": number, "broken": broken, "user": user})  # type: ignore[arg-type]  # as click made them
            result = run_chaos(options, services, servers, folder / f"{broken or 'seed'}-{number}")
            report(result, options)
            return result.verdict

        if prove:
            given["gap"] = PROOF_GAP
            found = [found_out(name, first, run) for name in BREAKAGES]
            sys.exit(not all(found))
        valid = [run(number, str(given["broken"])).valid for number in range(first, first + seeds)]
    click.echo(f"{sum(valid)} of {len(valid)} valid")
    sys.exit(not all(valid))


def found_out(name: str, first: int, run: Callable[[int, str], Verdict]) -> bool:
    """Run a broken build until it is found invalid, and by what it should be found."""
    for seed in range(first, first + PROOF_SEEDS):
        try:
            broken = {violation.invariant for violation in run(seed, name).violations}
        except NotPrepared as error:
            click.echo(f"broken build {name}, seed {seed}: {error}")
            continue
        if by := sorted(broken & FOUND_BY[name]):
            click.echo(f"broken build {name}: found invalid with seed {seed}, by {', '.join(by)}")
            return True
    click.echo(f"broken build {name}: NOT FOUND in {PROOF_SEEDS} seeds")
    return False


if __name__ == "__main__":
    main()
