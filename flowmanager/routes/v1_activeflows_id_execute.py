"""`/v1/activeflows/<id>/execute`: start an activeflow, or resume one that is blocked."""

from __future__ import annotations

from typing import Any

from flowmanager.core.machine import Command
from flowmanager.errors import ActiveflowEnded, StaleAction
from flowmanager.orchestrator.turn import Resume
from flowmanager.route import App, Call, route


@route("POST", "/v1/activeflows/{activeflow_id:id}/execute")
def execute(call: Call, app: App) -> Any:
    """Answer before the work is done; an activeflow that runs already is left alone."""
    activeflow_id = call.id("activeflow_id")
    try:
        app.turns.resume(
            call.work,
            Resume(activeflow_id=activeflow_id, command=Command.EXECUTE, cause="execute", answered_early=True),
        )
    except (StaleAction, ActiveflowEnded):
        app.engine.metrics.discarded.labels("execute").inc()
