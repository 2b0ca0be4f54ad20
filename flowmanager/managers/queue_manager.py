"""queue-manager: callers wait for an agent."""

from __future__ import annotations

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.managers.peer import Calls, Service, accepted, service_of
from flowmanager.ports import Ask


@frozen
class QueueManager:
    """Requests to queue-manager."""

    calls: Calls

    def start_queuecall(self, activeflow: Activeflow, queue_id: Id) -> Service:
        """Put the activeflow's call into a queue."""
        body = {
            "queue_id": queue_id,
            "activeflow_id": activeflow.id,
            "reference_type": "call",
            "reference_id": activeflow.reference_id,
        }
        ask = Ask(peer="queue", method="POST", uri="/v1/services/type/queuecall", body=body)
        return service_of("queue", self.calls.call(ask))

    def set_waiting(self, queuecall_id: Id) -> None:
        """Say that the wait flow is in place: an agent may be looked for."""
        ask = Ask(peer="queue", method="POST", uri=f"/v1/queuecalls/{queuecall_id}/status_waiting")
        accepted("queue", self.calls.call(ask))
