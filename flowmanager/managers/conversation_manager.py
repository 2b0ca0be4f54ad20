"""conversation-manager: written conversations over any channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.managers.peer import Calls, accepted, object_of, without_empty
from flowmanager.ports import Ask


@frozen
class ConversationManager:
    """Requests to conversation-manager."""

    calls: Calls

    def send(self, conversation_id: Id, text: str) -> None:
        """Write into a conversation; some channels take up to 30 s."""
        body = without_empty({"conversation_id": conversation_id, "text": text}, "text")
        ask = Ask(peer="conversation", method="POST", uri="/v1/messages", body=body, seconds=30)
        accepted("conversation", self.calls.call(ask))

    def get_conversation(self, conversation_id: Id) -> Mapping[str, Any]:
        """Return a conversation."""
        ask = Ask(peer="conversation", method="GET", uri=f"/v1/conversations/{conversation_id}")
        return object_of("conversation", self.calls.call(ask))
