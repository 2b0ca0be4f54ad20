"""`/v1/flows/validate`: look at a flow without storing it."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import AnyObject


@route("POST", "/v1/flows/validate", form=AnyObject, answer="judgement")
def validate_flow(call: Call, app: App) -> Any:
    """Say whether the flow would be stored, and what is wrong with it."""
    return app.validator.validate(call.work, call.body)
