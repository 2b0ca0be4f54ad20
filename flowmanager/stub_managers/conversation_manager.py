"""conversation-manager: chats."""

from __future__ import annotations

from typing import Any

from flowmanager.core.ids import NIL
from flowmanager.stub_managers.stub import Route, Stub, StubRequest
from flowmanager.stub_managers.world import World


def get_conversation(world: World, request: StubRequest) -> dict[str, Any]:
    """Show a conversation; one that is not known yet begins at this moment."""
    conversations = world.table("conversations")
    conversation = {
        "id": request.parts[0],
        "customer_id": NIL,
        "owner_type": "",
        "owner_id": NIL,
        "account_id": NIL,
        "type": "message",
        "dialog_id": request.parts[0],
        "self": {"type": "tel", "target": "+3225550100"},
        "peer": {"type": "tel", "target": "+3225550101"},
        "tm_create": world.now_text(),
        "tm_update": None,
        "tm_delete": None,
    }
    found: dict[str, Any] = conversations.setdefault(request.parts[0], conversation)
    return found


def send_message(world: World, request: StubRequest) -> dict[str, Any]:
    """Write to the other side."""
    message = {
        "id": world.new_id(),
        "customer_id": NIL,
        "conversation_id": request.id("conversation_id"),
        "direction": "outgoing",
        "status": "done",
        "text": request.text("text"),
        "tm_create": world.now_text(),
    }
    world.table("conversation_messages")[message["id"]] = message
    world.emit("conversation", "conversation_message_created", message)
    return message


conversation_manager = Stub(
    "conversation",
    (
        Route("POST", "/v1/messages", send_message),
        Route("GET", "/v1/conversations/<id>", get_conversation),
    ),
)
