"""A readable timeline of what services say to each other, for the demonstration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from time import monotonic
from typing import Any

import click

from flowmanager.schemas.fields import CANONICAL
from flowmanager.stub_managers.records import Asked, Exchange, Sent

COLOURS = {"request": "cyan", "event": "yellow", "action": "green", "variable": "magenta", "answer": "cyan"}
WIDTH = 118
SHORT_ID = 8
QUIET_URIS = ("/v1/webhooks",)
"""Requests that go with every event of ours; the timeline shows the event itself."""


class Timeline:
    """Prints one line for each thing that happens, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._begin = monotonic()
        self._lock = Lock()
        self._names: dict[str, str] = {}

    def name(self, an_id: str, name: str) -> None:
        """Show an id by a name from here on."""
        self._names[an_id] = name

    def title(self, text: str) -> None:
        """Begin a chapter."""
        with self._lock:
            click.echo()
            click.secho(text, bold=True)

    def line(self, kind: str, who: str, what: str) -> None:
        """Print one line."""
        seconds = monotonic() - self._begin
        with self._lock:
            mark = click.style(f"{kind:<9}", fg=COLOURS.get(kind))
            click.echo(f"{seconds:7.3f}  {mark} {self.readable(who):<20} {self.readable(what)}")

    def readable(self, text: str) -> str:
        """Return a text with known ids by name and others shortened."""
        named = CANONICAL.sub(lambda found: self._names.get(found[0], f"{found[0][:SHORT_ID]}…"), text)
        return named if len(named) <= WIDTH else f"{named[: WIDTH - 1]}…"

    def observe(self, record: Exchange | Sent | Asked) -> None:
        """Show what a stub heard or said."""
        if isinstance(record, Exchange):
            self.exchange(record)
        elif isinstance(record, Sent):
            body = record.body
            what = f"{body['type']}.{body['event']}" if "event" in body else str(body["type"])
            self.line("event", f"{record.manager or 'call'} → flow", f"{what}  {brief(body['data'], EVENT_KEYS)}")
        else:
            told = f"  {brief(record.data or {}, ())}" + (f"  failed: {record.error}" if record.error else "")
            self.line("request", "peer → flow", f"{record.method} {record.uri}{told}")

    def exchange(self, record: Exchange) -> None:
        """Show a request of ours and the status of its answer."""
        seen = record.seen
        if seen.uri in QUIET_URIS:
            return
        data = seen.data if isinstance(seen.data, Mapping) else {}
        given = data.get("action")
        if isinstance(given, Mapping):
            self.line(
                "action", f"flow → {seen.manager}", f"{given.get('type')}  {brief(given.get('option') or {}, ())}"
            )
        else:
            told = f"{seen.method} {seen.uri}  {brief(data, ())}"
            self.line("request", f"flow → {seen.manager}", f"{told} → {record.status_code}")


EVENT_KEYS = ("status", "digit", "hangup_reason", "hangup_by", "leaved_call_id")


def brief(data: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return what is worth seeing of a JSON object: the named keys, or all that are not ids."""
    wanted = {key: data[key] for key in keys if data.get(key)} if keys else data
    shown = {key: text_of(value) for key, value in wanted.items() if worth_showing(key, value)}
    return " ".join(f"{key}={value}" for key, value in shown.items() if value)


def worth_showing(key: str, value: Any) -> bool:
    """Leave out what only machines read."""
    return value not in (None, "", [], {}) and not key.startswith("tm_") and key not in ("customer_id", "activeflow_id")


def text_of(value: Any) -> str:
    """Return a JSON value in few characters."""
    if isinstance(value, Mapping):
        return str(value.get("target") or value.get("type") or f"{{{brief(value, ())}}}")
    if isinstance(value, list):
        return "[" + ", ".join(text_of(one) for one in value) + "]"
    return f"'{value}'" if isinstance(value, str) and " " in value else str(value)
