"""`/v1/activeflows/<id>/trace`: what happened, step by step, and why it waits or ended."""

from __future__ import annotations

import re
from typing import Any

from flowmanager.errors import InvalidRequest
from flowmanager.orchestrator.tracing import Part
from flowmanager.route import App, Call, route

DEFAULT_STEPS = 200
MAX_STEPS = 1000


@route("GET", "/v1/activeflows/{activeflow_id:id}/trace", filters=True, answer="trace")
def trace_activeflow(call: Call, app: App) -> Any:
    """Show the latest steps, or `limit` of them from the step number `since` on."""
    limit = min(number_in(call, "limit") or DEFAULT_STEPS, MAX_STEPS)
    part = Part(since=number_in(call, "since"), limit=limit)
    return app.traces.show(call.work, call.id("activeflow_id"), part)


def number_in(call: Call, name: str) -> int | None:
    """Return a number of the query, None when it is not there. Raises InvalidRequest."""
    text = call.query.get(name, "")
    if not re.fullmatch(r"\d{0,9}", text):
        raise InvalidRequest(f"{name}: Not a whole number.", path=name, given=text[:20])
    return int(text) if text else None
