"""`/v1/activeflows/<id>/stacks`: the frames of an activeflow."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route


@route("GET", "/v1/activeflows/{activeflow_id:id}/stacks", answer="frames")
def get_stacks(call: Call, app: App) -> Any:
    """Show each frame with its parent, depth, current action and return point, the main one first."""
    return app.lifecycle.stacks(call.work, call.id("activeflow_id"))
