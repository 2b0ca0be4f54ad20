"""`/v1/activeflows/<id>/forward_action_id`: set a pending jump."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import ForwardAction


@route("PUT", "/v1/activeflows/{activeflow_id:id}/forward_action_id", form=ForwardAction)
def set_forward_action(call: Call, app: App) -> Any:
    """Make an action the next one; with `forward_now` at once."""
    target = call.body["forward_action_id"]
    app.control.forward(call.work, call.id("activeflow_id"), target, now=call.body["forward_now"])
