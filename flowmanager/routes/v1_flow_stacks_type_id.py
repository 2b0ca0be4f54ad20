"""`/v1/flow_stacks/<reference type>/<reference id>`: the activeflows that lie on top of each other on a reference."""

from __future__ import annotations

from typing import Any

from flowmanager.core.activeflow import ReferenceType
from flowmanager.errors import InvalidRequest
from flowmanager.route import App, Call, route


@route("GET", "/v1/flow_stacks/{reference_type:word}/{reference_id:id}", answer="flow_stack")
def get_flow_stack(call: Call, app: App) -> Any:
    """Show the stack, the active one first; it is empty where nothing runs."""
    kinds = [kind.value for kind in ReferenceType]
    if call.path["reference_type"] not in kinds:
        raise InvalidRequest("reference_type: Not a reference type.", path="reference_type", expected=kinds)
    return app.flow_stack.show(call.work, call.path["reference_type"], call.id("reference_id"))
