"""webhook-manager: HTTP requests to customers. Nothing leaves the machine."""

from __future__ import annotations

from typing import Any

from flowmanager.stub_managers.stub import Route, Stub, StubRequest
from flowmanager.stub_managers.world import World

ANSWER = {"status_code": 200, "response": "ok"}


def send_to_destination(world: World, request: StubRequest) -> dict[str, Any]:
    """Tell what the receiver answered: what was set for this URI, else success."""
    answer: dict[str, Any] = world.table("webhook_answers").get(request.text("uri"), ANSWER)
    return answer


def send_webhook(_world: World, _request: StubRequest) -> None:
    """Send an event to the customer's own receiver."""


webhook_manager = Stub(
    "webhook",
    (
        Route("POST", "/v1/webhook_destinations", send_to_destination),
        Route("POST", "/v1/webhooks", send_webhook),
    ),
)
