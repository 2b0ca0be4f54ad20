"""`/v1/activeflows/<id>/next`: run on to the next action that the caller must perform."""

from __future__ import annotations

from typing import Any

from flowmanager.core.activeflow import Driver
from flowmanager.core.machine import Command
from flowmanager.orchestrator.turn import Resume
from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import CurrentAction


@route("GET", "/v1/activeflows/{activeflow_id:id}/next", form=CurrentAction, answer="action")
def get_next(call: Call, app: App) -> Any:
    """Answer the action, the finish action at the end, or the placeholder of a block."""
    resume = Resume(
        activeflow_id=call.id("activeflow_id"),
        command=Command.NEXT,
        cause="next",
        driver=Driver.PULL,
        seen=call.body["current_action_id"],
    )
    app.turns.resume(call.work, resume)
