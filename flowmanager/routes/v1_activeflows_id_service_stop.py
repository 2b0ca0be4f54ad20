"""`/v1/activeflows/<id>/service_stop`: release the frame of a service."""

from __future__ import annotations

from typing import Any

from flowmanager.core.ids import NIL
from flowmanager.errors import InvalidRequest
from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import ServiceStop


@route("POST", "/v1/activeflows/{activeflow_id:id}/service_stop", form=ServiceStop)
def stop_service(call: Call, app: App) -> Any:
    """Go on behind the service at the next step."""
    if call.body["service_id"] == NIL:
        raise InvalidRequest("service_id: Not given.", path="service_id")
    app.control.release(call.work, call.id("activeflow_id"), call.body["service_id"])
