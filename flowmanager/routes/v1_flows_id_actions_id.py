"""`/v1/flows/<id>/actions/<id>`: read one action."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route


@route("GET", "/v1/flows/{flow_id:id}/actions/{action_id:id}", answer="action")
def get_action(call: Call, app: App) -> Any:
    """Show an action as it was stored."""
    return app.flows.action(call.work, call.id("flow_id"), call.id("action_id"))
