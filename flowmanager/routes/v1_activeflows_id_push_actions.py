"""`/v1/activeflows/<id>/push_actions`: put actions on top."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import ActionsOnly


@route("POST", "/v1/activeflows/{activeflow_id:id}/push_actions", form=ActionsOnly, answer="activeflow")
def push_actions(call: Call, app: App) -> Any:
    """Have the actions run next, and come back."""
    return app.control.push(call.work, call.id("activeflow_id"), call.body["actions"])
