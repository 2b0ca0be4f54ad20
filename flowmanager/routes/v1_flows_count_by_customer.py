"""`/v1/flows/count_by_customer`: how many flows a customer has stored."""

from __future__ import annotations

from typing import Any

from flowmanager.route import App, Call, route
from flowmanager.schemas.requests import CustomerOnly


@route("GET", "/v1/flows/count_by_customer", form=CustomerOnly, answer="count")
def count_flows(call: Call, app: App) -> Any:
    """Count the flows that are not deleted."""
    return {"count": app.flows.count(call.work, call.body["customer_id"])}
