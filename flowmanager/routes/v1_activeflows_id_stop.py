"""`/v1/activeflows/<id>/stop`: end an activeflow."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route


@route("POST", "/v1/activeflows/{activeflow_id:id}/stop", answer="activeflow")
def stop_activeflow(call: Call, app: App) -> Any:
    """End it at once; one that has ended is shown unchanged."""
    return app.lifecycle.stop(call.work, call.id("activeflow_id"))
