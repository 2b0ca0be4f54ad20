"""`/v1/variables/<activeflow id>`: read the variables of an activeflow."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route


@route("GET", "/v1/variables/{activeflow_id:id}", answer="variables")
def get_variables(call: Call, app: App) -> Any:
    """Show all variables."""
    return app.variables.get(call.work, call.id("activeflow_id"))
