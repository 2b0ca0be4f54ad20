"""message-manager: text messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL
from flowmanager.managers.peer import Calls, accepted
from flowmanager.ports import Ask


@frozen
class MessageManager:
    """Requests to message-manager."""

    calls: Calls

    def send(self, activeflow: Activeflow, message: Mapping[str, Any]) -> None:
        """Send a text message: `source`, `destinations`, `text`. The zero id lets message-manager choose one."""
        body = {
            "id": NIL,
            "customer_id": activeflow.customer_id,
            "source": message["source"],
            "destinations": message["destinations"],
            "text": message["text"],
        }
        accepted("message", self.calls.call(Ask(peer="message", method="POST", uri="/v1/messages", body=body)))
