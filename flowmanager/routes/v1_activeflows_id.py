"""`/v1/activeflows/<id>`: read or delete an activeflow."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route


@route("GET", "/v1/activeflows/{activeflow_id:id}", answer="activeflow_detail")
def get_activeflow(call: Call, app: App) -> None:
    """Show an activeflow with frames, variables and history."""
    app.lifecycle.get(call.work, call.id("activeflow_id"))


@route("DELETE", "/v1/activeflows/{activeflow_id:id}", answer="activeflow")
def delete_activeflow(call: Call, app: App) -> Any:
    """Stop an activeflow if it runs, and hide it."""
    return app.lifecycle.delete(call.work, call.id("activeflow_id"))
