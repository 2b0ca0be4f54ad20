"""`/v1/activeflows/<id>/continue`: resume an activeflow that stands on a `block`."""

from __future__ import annotations

from typing import Any

from flowmanager.core.machine import Command
from flowmanager.orchestrator.turn import Resume
from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import CurrentAction


@route("POST", "/v1/activeflows/{activeflow_id:id}/continue", form=CurrentAction)
def continue_activeflow(call: Call, app: App) -> Any:
    """Answer before the work is done."""
    resume = Resume(
        activeflow_id=call.id("activeflow_id"),
        command=Command.CONTINUE,
        cause="continue",
        seen=call.body["current_action_id"],
        answered_early=True,
    )
    app.turns.resume(call.work, resume)
