"""`/v1/flows/<id>/actions`: replace a flow's actions."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import ActionsOnly


@route("PUT", "/v1/flows/{flow_id:id}/actions", form=ActionsOnly, answer="stored_flow")
def update_actions(call: Call, app: App) -> Any:
    """Replace the actions; running activeflows keep theirs."""
    return app.flows.update_actions(call.work, call.id("flow_id"), call.body["actions"])
