"""`/v1/actions`: the catalogue of action types."""

from __future__ import annotations

from typing import Any

from flowmanager.catalogue import catalogue
from flowmanager.route import App, Call, route


@route("GET", "/v1/actions", answer="action_type[]")
def list_action_types(call: Call, app: App) -> Any:
    """List the action types with title, description, media, options as JSON Schema, and examples."""
    del call, app
    return list(catalogue())
