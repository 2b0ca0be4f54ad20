"""direct-manager: short public names (hashes) of resources."""

from __future__ import annotations

from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.managers.peer import Calls, id_of, text_in
from flowmanager.ports import Ask


@frozen
class Direct:
    """A public name of a flow."""

    id: Id
    hash: str


def direct_of(answer: Any) -> Direct:
    """Return the public name of an answer. Raises PeerGarbled."""
    return Direct(id_of("direct", answer), text_in("direct", answer, "hash"))


@frozen
class DirectManager:
    """Requests to direct-manager."""

    calls: Calls

    def create(self, customer_id: Id, flow_id: Id) -> Direct:
        """Make a public name for a flow."""
        body = {"customer_id": customer_id, "resource_type": "flow", "resource_id": flow_id}
        return direct_of(self.calls.call(Ask(peer="direct", method="POST", uri="/v1/directs", body=body)))

    def regenerate(self, direct_id: Id) -> Direct:
        """Replace a public name by a new one."""
        ask = Ask(peer="direct", method="POST", uri=f"/v1/directs/{direct_id}/regenerate")
        return direct_of(self.calls.call(ask))

    def delete(self, direct_id: Id) -> None:
        """Delete a public name."""
        self.calls.call(Ask(peer="direct", method="DELETE", uri=f"/v1/directs/{direct_id}"))
