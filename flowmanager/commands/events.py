"""`flowmanager events`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from datetime import datetime
from typing import Any

import click
import orjson

from flowmanager.asking import answered, asked_settings
from flowmanager.client import ActiveflowEvent, Event, EventSubscriber


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@click.option("--seconds", type=float, help="End when no event has come for so long.")
@answered
def command(as_json: bool, seconds: float | None) -> None:
    """Show the events of flow-manager as they come, until Ctrl-C. What came before is not shown.

    It listens at RABBITMQ_ADDRESS where that is set, else to a worker that runs with --embedded.
    """
    settings = asked_settings()
    with closing(EventSubscriber(settings.rabbitmq_address, prefix=settings.queue_prefix)) as heard:
        click.echo("listening", err=True)
        with suppress(KeyboardInterrupt):
            show(iter(heard) if seconds is None else heard.events(seconds=seconds), as_json=as_json)


def show(events: Iterable[Event], *, as_json: bool) -> None:
    """Print events as they come."""
    for event in events:
        click.echo(json_line(event) if as_json else text_line(event))


def json_line(event: Event) -> str:
    """Return an event for programs."""
    return orjson.dumps({"id": event.id, "type": event.type, "data": event.data}).decode()


def text_line(event: Event) -> str:
    """Return an event for people: when, what, whose, and where an activeflow stands."""
    subject = event.data if isinstance(event.data, dict) else {}
    return f"{clock_of(subject)}  {event.type:<20} {subject.get('id', '')}  {standing_of(event)}".rstrip()


def clock_of(subject: dict[str, Any]) -> str:
    """Return the time of day of the change that an event tells of."""
    told_at = subject.get("tm_update") or subject.get("tm_create") or ""
    with suppress(ValueError):
        return datetime.fromisoformat(told_at).strftime("%H:%M:%S")
    return " " * 8


def standing_of(event: Event) -> str:
    """Return where an activeflow stands, or the name of a flow."""
    if not isinstance(event, ActiveflowEvent):
        return event.data.get("name", "") if isinstance(event.data, dict) else ""
    found = event.activeflow
    return (
        f"{found.state}: {found.ended_reason}" if found.ended else f"{found.state} {found.current_action.type}".rstrip()
    )
