"""`/v1/activeflows/<id>/trace`: what happened, step by step, and why it waits or ended."""

from __future__ import annotations

import re
from typing import Any

from click import unstyle

from flowmanager.errors import InvalidRequest
from flowmanager.orchestrator.tracing import Part
from flowmanager.route import App, Call, route
from flowmanager.trace.formats import FORMATS
from flowmanager.trace.model import read_trace

DEFAULT_STEPS = 200
MAX_STEPS = 1000


@route("GET", "/v1/activeflows/{activeflow_id:id}/trace", filters=True, answer="trace|text")
def trace_activeflow(call: Call, app: App) -> Any:
    """Show the latest steps, or `limit` of them from the step number `since` on.

    `format`: `text`, `mermaid` or `svg` for a text instead of the record.
    """
    form = format_in(call)
    limit = min(number_in(call, "limit") or DEFAULT_STEPS, MAX_STEPS)
    part = Part(since=number_in(call, "since"), limit=limit)
    trace = app.traces.show(call.work, call.id("activeflow_id"), part)
    return trace if form == "json" else {"data": unstyle(FORMATS[form](read_trace(trace)))}


def format_in(call: Call) -> str:
    """Return the form that is asked for. Raises InvalidRequest."""
    name = call.query.get("format", "json")
    if name not in FORMATS:
        raise InvalidRequest(f"format: None of {', '.join(FORMATS)}.", path="format", given=name[:20])
    return name


def number_in(call: Call, name: str) -> int | None:
    """Return a number of the query, None when it is not there. Raises InvalidRequest."""
    text = call.query.get(name, "")
    if not re.fullmatch(r"\d{0,9}", text):
        raise InvalidRequest(f"{name}: Not a whole number.", path=name, given=text[:20])
    return int(text) if text else None
