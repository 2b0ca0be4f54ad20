"""`/v1/variables/<activeflow id>/substitute`: replace the placeholders of a text."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import Substitute


@route("POST", "/v1/variables/{activeflow_id:id}/substitute", form=Substitute, answer="text")
def substitute(call: Call, app: App) -> Any:
    """Return the text; nothing is stored."""
    return {"data": app.variables.substitute(call.work, call.id("activeflow_id"), call.body["data"])}
