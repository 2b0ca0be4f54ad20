"""conference-manager: several calls in one room."""

from __future__ import annotations

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.managers.peer import Calls, Service, service_of
from flowmanager.ports import Ask


@frozen
class ConferenceManager:
    """Requests to conference-manager."""

    calls: Calls

    def start_conferencecall(self, activeflow: Activeflow, conference_id: Id) -> Service:
        """Put the activeflow's call into a conference."""
        body = {
            "activeflow_id": activeflow.id,
            "conference_id": conference_id,
            "reference_type": "call",
            "reference_id": activeflow.reference_id,
        }
        ask = Ask(peer="conference", method="POST", uri="/v1/services/type/conferencecall", body=body)
        return service_of("conference", self.calls.call(ask))
