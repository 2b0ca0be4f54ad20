"""`/v1/variables/<activeflow id>/variables`: set variables."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import SetVariables


@route("POST", "/v1/variables/{activeflow_id:id}/variables", form=SetVariables)
def set_variables(call: Call, app: App) -> Any:
    """Merge the given variables into the set."""
    app.variables.set(call.work, call.id("activeflow_id"), call.body["variables"])
