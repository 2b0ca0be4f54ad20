"""email-manager: e-mails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.managers.peer import Calls, accepted
from flowmanager.ports import Ask


@frozen
class EmailManager:
    """Requests to email-manager."""

    calls: Calls

    def send(self, activeflow: Activeflow, email: Mapping[str, Any]) -> None:
        """Send an e-mail: `destinations`, `subject`, `content`, `attachments`."""
        body = {
            "customer_id": activeflow.customer_id,
            "activeflow_id": activeflow.id,
            "destinations": email["destinations"],
            "subject": email["subject"],
            "content": email["content"],
            "attachments": email["attachments"],
        }
        accepted("email", self.calls.call(Ask(peer="email", method="POST", uri="/v1/emails", body=body)))
