"""`/v1/flows/<id>/direct-hash-regenerate`: give a flow a new direct hash."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route


@route("POST", "/v1/flows/{flow_id:id}/direct-hash-regenerate", answer="flow")
def regenerate_direct_hash(call: Call, app: App) -> Any:
    """Ask direct-manager for a new hash, or for the first one."""
    return app.flows.regenerate(call.work, call.id("flow_id"))
