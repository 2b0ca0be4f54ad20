"""`flowmanager lint`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from flowmanager.console import told
from flowmanager.core.activeflow import ReferenceType
from flowmanager.lint.finding import Finding, Severity
from flowmanager.lint.lines import line_of, lines_of
from flowmanager.lint.linter import all_rules, lint
from flowmanager.lint.refusals import ABOUT, NAME
from flowmanager.lint.report import Files, Located, as_json, as_sarif, as_text, worst
from flowmanager.lint.world import World
from flowmanager.settings import read_settings

FORMATS: Mapping[str, Callable[[Files], str]] = {"text": as_text, "json": as_json, "sarif": as_sarif}
NO_REFERENCE = "none"
REFERENCES = [NO_REFERENCE, *(kind.value for kind in ReferenceType if kind.value)]
RULES = [NAME, *(rule.name for rule in all_rules())]


def show_rules(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print all rules and end."""
    if not wanted or ctx.resilient_parsing:
        return
    about = {NAME: ABOUT, **{rule.name: rule.about for rule in all_rules()}}
    for name, sentence in about.items():
        click.echo(f"{name:20} {sentence}")
    ctx.exit()


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FLOW.json…")
@click.option("--format", "form", default="text", show_default=True, type=click.Choice([*FORMATS]))
@click.option(
    "--fail-on",
    default="warning",
    show_default=True,
    type=click.Choice([*(one.value for one in Severity), "never"]),
    help="The least severity that makes the exit status 1.",
)
@click.option("--reference-type", type=click.Choice(REFERENCES), help="What the flows run on: tells what is skipped.")
@click.option("--ignore", multiple=True, type=click.Choice(RULES), metavar="RULE", help="Leave a rule out; repeatable.")
@click.option("--rules", is_flag=True, is_eager=True, expose_value=False, callback=show_rules, help="List the rules.")
@told
def command(files: Sequence[str], form: str, fail_on: str, reference_type: str | None, ignore: Sequence[str]) -> None:
    """Find mistakes in flows before a caller does.

    A file holds a flow as POST /v1/flows takes it or as GET shows it, or a list of actions; - is the standard input. A
    folder means all files *.json in it and below. Files that are given together may name each other by their ids.

    Exit status: 0 all fine, 1 something was found, 2 a file cannot be read.
    """
    meant = {given: named(given) for given in files}
    names = dict.fromkeys(name for found in meant.values() for name in found)
    texts = {name: text for name in names if (text := text_of(name)) is not None}
    documents = {name: value for name, text in texts.items() if (value := json_of(name, text)) is not UNREADABLE}
    reference = None if reference_type is None else ReferenceType(reference_type.replace(NO_REFERENCE, ""))
    world = World(limits=read_settings(os.environ).limits, reference_type=reference)
    found = {
        report.flow.source: located(report.findings, documents[report.flow.source], texts[report.flow.source], ignore)
        for report in lint(documents, world)
    }
    click.echo(FORMATS[form](found), nl=False)
    if len(documents) < len(names) or not all(meant.values()):
        sys.exit(2)
    bad = worst(found)
    sys.exit(1 if bad is not None and fail_on != "never" and bad.reaches(Severity(fail_on)) else 0)


def named(given: str) -> list[str]:
    """Return the files that are meant: one, or those of a folder. What begins with a dot is left out."""
    folder = Path(given)
    if given == "-" or not folder.is_dir():
        return [given]
    found = (path for path in folder.rglob("*.json") if path.is_file())
    seen = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not seen:
        click.echo(f"{given}: no file *.json in this folder", err=True)
    return sorted(map(str, seen))


UNREADABLE = object()


def text_of(name: str) -> str | None:
    """Return the text of a file, None when it cannot be read; that is told. A byte order mark is no mistake."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        click.echo(f"{name}: cannot be read: {error.strerror}", err=True)
    except UnicodeDecodeError as error:
        click.echo(f"{name}: not UTF-8: byte {error.start}", err=True)
    return None


def json_of(name: str, text: str) -> Any:
    """Return the JSON value of a text, UNREADABLE when it is none; that is told."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        click.echo(f"{name}:{error.lineno}: not JSON: {error.msg}", err=True)
        return UNREADABLE


def located(findings: Sequence[Finding], document: Any, text: str, ignore: Sequence[str]) -> list[Located]:
    """Return findings with their lines, without those of rules that are left out. A bare list has no `actions`."""
    wanted = [one for one in findings if one.rule not in ignore]
    lines = lines_of(text) if wanted else {}
    cut = "actions" if isinstance(document, list) else ""
    return [Located(one, line_of(lines, one.path.removeprefix(cut))) for one in wanted]
