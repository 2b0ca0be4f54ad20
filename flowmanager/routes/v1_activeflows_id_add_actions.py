"""`/v1/activeflows/<id>/add_actions`: insert actions behind the current one."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import ActionsOnly


@route("POST", "/v1/activeflows/{activeflow_id:id}/add_actions", form=ActionsOnly, answer="activeflow")
def add_actions(call: Call, app: App) -> Any:
    """Insert the actions into the current nested stack."""
    return app.control.add(call.work, call.id("activeflow_id"), call.body["actions"])
