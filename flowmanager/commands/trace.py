"""`flowmanager trace`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from flowmanager.asking import answered, asking_client
from flowmanager.client import FlowManagerClient
from flowmanager.console import written
from flowmanager.core.ids import Id
from flowmanager.schemas.fields import parse_id
from flowmanager.trace.formats import FORMATS
from flowmanager.trace.model import InvalidTrace, Trace, read_trace

MOST_STEPS = 20_000
"""Of one picture or timeline: who wants more asks in parts."""
PART = 500
MOST_OTHERS = 20
"""Activeflows of one reference that are named."""


@click.command(short_help="Tell what an activeflow did, and why it waits or ended.")
@click.argument("activeflow_id", required=False)
@click.option("--reference", help="Instead of an id: the newest activeflow of this call, conversation, …")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Default: text, or what --out ends with.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write into this file.")
@click.option("--since", type=click.IntRange(0), help="Begin with the step after so many. Default: the latest steps.")
@click.option("--limit", type=click.IntRange(1, 1000), default=200, show_default=True, help="How many steps.")
@click.option("--all", "everything", is_flag=True, help="All steps, asked for in parts.")
@click.option("--from", "saved", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A saved --json.")
@click.option("--seconds", default=5.0, show_default=True, help="How long to wait for the answer.")
@answered
def command(activeflow_id: str | None, form: str | None, out: Path | None, seconds: float, **options: Any) -> None:
    """Tell what happened to an activeflow: each step and why, and what it waits for or why it ended.

    Secrets are masked and long texts cut. It asks the service at RABBITMQ_ADDRESS where that is set, else a worker that
    runs with --embedded.
    """
    reference, saved = options["reference"], options["saved"]
    if [activeflow_id, reference, saved].count(None) != 2:
        raise click.UsageError("Give the id of an activeflow, --reference ID, or --from FILE.")
    for given in (activeflow_id, reference):
        if given is not None and parse_id(given) is None:
            raise click.UsageError(f"{given!r} is not an id: `flowmanager activeflows` lists those that run.")
    if saved is not None:
        trace = trace_in(saved)
    else:
        with asking_client(seconds) as client:
            trace = asked(client, activeflow_id or newest_of(client, reference), options)
    chosen = "json" if options["as_json"] else form or format_of(out)
    written(FORMATS[chosen](trace), out)


def newest_of(client: FlowManagerClient, reference_id: str) -> Id:
    """Return the newest activeflow of a call or whatever it is, and name the others. Raises UsageError for none."""
    found = client.activeflows.overview({"reference_id": reference_id, "deleted": False}, limit=MOST_OTHERS + 1)
    if not found:
        raise click.UsageError(f"no activeflow belongs to {reference_id}, or it is deleted by now")
    newest, *others = [row.id for row in found]
    if others:
        click.echo(f"the newest of it; others: {', '.join(others)}", err=True)
    return newest


def format_of(out: Path | None) -> str:
    """Return the format that the name of a file asks for."""
    endings = {".svg": "svg", ".json": "json", ".mmd": "mermaid", ".mermaid": "mermaid"}
    return endings.get(out.suffix, "text") if out else "text"


def asked(client: FlowManagerClient, activeflow_id: str, options: Mapping[str, Any]) -> Trace:
    """Ask the service. Raises ClientError."""
    if not options["everything"]:
        return client.activeflows.trace(activeflow_id, since=options["since"], limit=options["limit"])
    trace = client.activeflows.trace(activeflow_id, since=options["since"] or 0, limit=PART)
    while trace.next_since is not None and len(trace.steps) < MOST_STEPS:
        trace = trace.with_later(client.activeflows.trace(activeflow_id, since=trace.next_since, limit=PART))
    return trace


def trace_in(path: Path) -> Trace:
    """Return a saved trace. Raises InvalidTrace."""
    try:
        return read_trace(orjson.loads(path.read_bytes()))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InvalidTrace(f"{path} is not a saved trace: save one with: flowmanager trace ID --json") from error
