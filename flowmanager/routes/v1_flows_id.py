"""`/v1/flows/<id>`: read, replace, delete a flow."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import FlowTexts


@route("GET", "/v1/flows/{flow_id:id}", answer="flow")
def get_flow(call: Call, app: App) -> Any:
    """Show a flow, a deleted one too."""
    return app.flows.get(call.work, call.id("flow_id"))


@route("PUT", "/v1/flows/{flow_id:id}", form=FlowTexts, answer="stored_flow")
def update_flow(call: Call, app: App) -> Any:
    """Replace name, detail, actions and on-complete flow; what is absent is cleared."""
    return app.flows.update(call.work, call.id("flow_id"), call.body)


@route("DELETE", "/v1/flows/{flow_id:id}", answer="flow")
def delete_flow(call: Call, app: App) -> Any:
    """Hide a flow."""
    return app.flows.delete(call.work, call.id("flow_id"))
