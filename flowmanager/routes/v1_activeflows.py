"""`/v1/activeflows`: create an activeflow, list activeflows."""

from __future__ import annotations

from typing import Any

from flowmanager.errors import InvalidRequest
from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import ActiveflowCreate


@route("POST", "/v1/activeflows", form=ActiveflowCreate, answer="activeflow")
def create_activeflow(call: Call, app: App) -> Any:
    """Make a running instance of a flow; it is started by `execute` or the first `next`."""
    return app.lifecycle.create(call.work, call.body)


@route("GET", "/v1/activeflows", filters=True, answer="activeflow|overview[]")
def list_activeflows(call: Call, app: App) -> Any:
    """List activeflows, newest first. `view=brief`: only where each stands and since when."""
    view = call.query.get("view", "")
    if view not in ("", "brief"):
        raise InvalidRequest("view: Only `brief` is known.", path="view", given=view[:20])
    return (app.lifecycle.overview if view else app.lifecycle.list)(call.work, call.page())
