"""contact-manager: cases about the people that call or write."""

from __future__ import annotations

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.managers.parties import Parties
from flowmanager.managers.peer import Calls, id_of, without_empty
from flowmanager.ports import Ask


@frozen
class NewCase:
    """A case to open: about whom, about what, and what it is called."""

    parties: Parties
    reference_type: str
    name: str
    detail: str


@frozen
class ContactManager:
    """Requests to contact-manager."""

    calls: Calls

    def create_case(self, activeflow: Activeflow, case: NewCase) -> Id:
        """Open a case about the activeflow's reference."""
        body = {
            "customer_id": activeflow.customer_id,
            "self": case.parties.own,
            "peer": case.parties.peer,
            "reference_type": case.reference_type,
            "reference_id": "" if activeflow.reference_id == NIL else activeflow.reference_id,
            "name": case.name,
            "detail": case.detail,
        }
        shown = without_empty(body, "name", "detail", "reference_id")
        return id_of("contact", self.calls.call(Ask(peer="contact", method="POST", uri="/v1/cases", body=shown)))

    def add_note(self, customer_id: Id, case_id: Id, text: str) -> None:
        """Add a note to a case in the system's name."""
        body = {"customer_id": customer_id, "author_type": "system", "text": text}
        self.calls.call(Ask(peer="contact", method="POST", uri=f"/v1/cases/{case_id}/notes", body=body))
