"""`/v1/variables/<activeflow id>/variables/<key>`: delete a variable."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from flowmanager.errors import InvalidRequest
from flowmanager.route import App, Call, decoded, route


@route("DELETE", "/v1/variables/{activeflow_id:id}/variables/{key:rest}")
def delete_variable(call: Call, app: App) -> Any:
    """Delete a variable. Peers encode its name twice; what follows a slash does not belong to it."""
    name = decoded(call.path["key"]).partition("/")[0]
    try:
        key = unquote_plus(decoded(name) and name)
    except InvalidRequest:
        key = ""
    app.variables.delete(call.work, call.id("activeflow_id"), key)
