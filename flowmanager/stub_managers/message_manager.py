"""message-manager: text messages."""

from __future__ import annotations

from typing import Any

from flowmanager.stub_managers.stub import Route, Stub, StubRequest
from flowmanager.stub_managers.world import World


def send_message(world: World, request: StubRequest) -> dict[str, Any]:
    """Send a message to every destination."""
    targets = [
        {"destination": destination, "status": "sent", "parts": 1} for destination in request.objects("destinations")
    ]
    message: dict[str, Any] = {
        "id": world.new_id(),
        "customer_id": request.id("customer_id"),
        "type": "sms",
        "source": request.data.get("source"),
        "targets": targets,
        "text": request.text("text"),
        "direction": "outbound",
        "tm_create": world.now_text(),
    }
    world.table("messages")[message["id"]] = message
    world.emit("message", "message_created", message)
    return message


message_manager = Stub("message", (Route("POST", "/v1/messages", send_message),))
