"""`/v1/flows`: create a flow, list flows."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import FlowCreate


@route("POST", "/v1/flows", form=FlowCreate, answer="stored_flow")
def create_flow(call: Call, app: App) -> Any:
    """Store a flow."""
    return app.flows.create(call.work, call.body)


@route("GET", "/v1/flows", filters=True, answer="flow[]")
def list_flows(call: Call, app: App) -> Any:
    """List stored flows, newest first."""
    return app.flows.list(call.work, call.page())
