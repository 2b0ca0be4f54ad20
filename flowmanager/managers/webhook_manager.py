"""webhook-manager: delivers to customers' servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.managers.peer import Calls
from flowmanager.ports import Ask


@frozen
class WebhookManager:
    """Requests to webhook-manager."""

    calls: Calls

    def send(self, activeflow: Activeflow, webhook: Mapping[str, Any], data: Any) -> Any:
        """Have JSON delivered to `uri` by `method` as `data_type`; return what is told about it, if anything."""
        body = {
            "customer_id": activeflow.customer_id,
            "uri": webhook["uri"],
            "method": webhook["method"],
            "data_type": webhook["data_type"],
            "data": data,
        }
        return self.calls.call(Ask(peer="webhook", method="POST", uri="/v1/webhook_destinations", body=body))
