"""`flowmanager doctor`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import click
import orjson

from flowmanager import __version__
from flowmanager.check import Finding, Level, wrong
from flowmanager.console import current_settings, embedded_option
from flowmanager.errors import InvalidSetting
from flowmanager.examination import Diagnosis, all_checks, examine
from flowmanager.patient import Patient

COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red", Level.SKIP: "bright_black"}
NAME_WIDTH = 20


@click.command(short_help="Look at everything, and say what to do; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Show the findings as JSON.")
@click.option(
    "--seconds", default=10.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Limit of each check."
)
@click.option(
    "--processes",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Worker processes on all machines: is there room for them?",
)
@embedded_option
def command(as_json: bool, seconds: float, processes: int, embedded: bool) -> None:
    """Look at settings, broker, database and work in hand, and say what to do. Nothing is changed.

    The exit status is 1 when something must be mended; warnings leave it at 0.
    """
    found = diagnoses(processes, seconds, embedded=embedded)
    shown = list(found) if as_json else [told(one) for one in found]
    failed = any(one.failed for one in shown)
    if as_json:
        click.echo(orjson.dumps(document(shown), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(summary(shown))
    sys.exit(1 if failed else 0)


def diagnoses(processes: int, seconds: float, *, embedded: bool) -> Iterator[Diagnosis]:
    """Yield what is found; settings that cannot be read are all that can be told then."""
    try:
        settings = current_settings(embedded=embedded)
        patient = Patient(settings=settings, environment=os.environ, processes=processes)
        yield from examine(patient, all_checks(), seconds=seconds)
    except InvalidSetting as error:
        yield Diagnosis("settings", (wrong(error.sentence, "correct the variable; nothing else was looked at"),))


def told(one: Diagnosis) -> Diagnosis:
    """Show a diagnosis."""
    for finding in one.findings:
        mark = click.style(f"{finding.level.value:<5}", fg=COLOURS[finding.level], bold=finding.level is Level.FAIL)
        click.echo(f"  {mark} {one.name:<{NAME_WIDTH}} {finding.found}")
        if finding.advice:
            click.echo(f"  {'':<5} {'':<{NAME_WIDTH}} → {finding.advice}")
    return one


def counts(shown: Iterable[Diagnosis]) -> Counter[Level]:
    """Return how many findings there are of each level."""
    return Counter(finding.level for one in shown for finding in one.findings)


def summary(shown: Iterable[Diagnosis]) -> str:
    """Return the last line."""
    number = counts(shown)
    words = {Level.OK: "well", Level.WARN: "to look at", Level.FAIL: "to mend", Level.SKIP: "not looked at"}
    return "\n" + ", ".join(f"{number[level]} {word}" for level, word in words.items() if number[level])


def document(shown: Iterable[Diagnosis]) -> dict[str, Any]:
    """Return the findings for programs."""
    shown = list(shown)
    return {
        "version": __version__,
        "healthy": not any(one.failed for one in shown),
        "counts": {level.value: number for level, number in counts(shown).items()},
        "checks": [{"name": one.name, **entry(finding)} for one in shown for finding in one.findings],
    }


def entry(finding: Finding) -> dict[str, str]:
    """Return one finding for programs."""
    return {**asdict(finding), "level": finding.level.value}
