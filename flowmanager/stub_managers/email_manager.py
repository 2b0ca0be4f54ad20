"""email-manager: e-mails."""

from __future__ import annotations

from typing import Any

from flowmanager.stub_managers.stub import Route, Stub, StubRequest
from flowmanager.stub_managers.world import World


def send_email(world: World, request: StubRequest) -> dict[str, Any]:
    """Send an e-mail to every destination."""
    email: dict[str, Any] = {
        "id": world.new_id(),
        "customer_id": request.id("customer_id"),
        "activeflow_id": request.id("activeflow_id"),
        "destinations": request.data.get("destinations"),
        "status": "initiated",
        "subject": request.text("subject"),
        "content": request.text("content"),
        "attachments": request.data.get("attachments"),
        "tm_create": world.now_text(),
    }
    world.table("emails")[email["id"]] = email
    world.emit("email", "email_created", email)
    return email


email_manager = Stub("email", (Route("POST", "/v1/emails", send_email),))
