"""call-manager: calls, their media, and bridges between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.managers.peer import Calls, id_of, list_in, object_of, text_in, without_empty
from flowmanager.ports import Ask


@frozen(kw_only=True)
class Outgoing:
    """Calls to make: one for each destination, or a group call where a destination is a group."""

    customer_id: Id
    flow_id: Id
    source: Mapping[str, str]
    destinations: Sequence[Mapping[str, str]]
    master_call_id: Id = NIL
    """The call that they belong to."""
    early_execution: bool = False
    """Run the flow before the call is answered."""
    connect: bool = False
    """Wake the master when the call fails."""
    anonymous: str = ""

    def body(self) -> dict[str, Any]:
        """Return the request's body."""
        body = {
            "customer_id": self.customer_id,
            "flow_id": self.flow_id,
            "master_call_id": self.master_call_id,
            "source": self.source,
            "destinations": self.destinations,
            "early_execution": self.early_execution,
            "connect": self.connect,
            "anonymous": self.anonymous,
        }
        return without_empty(body, "destinations", "early_execution", "connect", "anonymous")


@frozen
class Created:
    """The calls and group calls that were made."""

    call_ids: tuple[Id, ...]
    groupcall_ids: tuple[Id, ...]


@frozen
class CallManager:
    """Requests to call-manager."""

    calls: Calls

    def perform(self, call_id: Id, activeflow_id: Id, action: Action) -> None:
        """Have a media action carried out on a call; its completion comes as an event."""
        shown = {"id": action.id, "type": action.type, "option": action.option or {}}
        body = {"activeflow_id": activeflow_id, "action": shown}
        self.calls.call(Ask(peer="call", method="POST", uri=f"/v1/calls/{call_id}/actions", body=body))

    def action_next(self, call_id: Id) -> None:
        """Make call-manager ask for the next action at once."""
        uri = f"/v1/calls/{call_id}/action-next"
        self.calls.call(Ask(peer="call", method="POST", uri=uri, body={"force": True}))

    def create_confbridge(self, activeflow: Activeflow) -> Id:
        """Make a bridge that connects the activeflow's call with others."""
        body = {
            "customer_id": activeflow.customer_id,
            "activeflow_id": activeflow.id,
            "reference_type": "call",
            "reference_id": activeflow.reference_id,
            "type": "connect",
        }
        return id_of("call", self.calls.call(Ask(peer="call", method="POST", uri="/v1/confbridges", body=body)))

    def create_calls(self, outgoing: Outgoing) -> Created:
        """Make calls. Destinations that fail are left out; an answer that names none says that none was made."""
        answer = self.calls.call(Ask(peer="call", method="POST", uri="/v1/calls", body=outgoing.body()))
        answer = {} if answer is None else answer
        made = [tuple(id_of("call", one) for one in list_in("call", answer, key)) for key in ("calls", "groupcalls")]
        return Created(*made)

    def get_call(self, call_id: Id) -> Mapping[str, Any]:
        """Return a call."""
        return object_of("call", self.calls.call(Ask(peer="call", method="GET", uri=f"/v1/calls/{call_id}")))

    def get_recording_ids(self, call_id: Id) -> tuple[Id, ...]:
        """Return the ids of a call's recordings."""
        return tuple(id_of("call", {"id": one}) for one in list_in("call", self.get_call(call_id), "recording_ids"))

    def get_digits(self, call_id: Id) -> str:
        """Return the keys that were pressed on a call."""
        ask = Ask(peer="call", method="GET", uri=f"/v1/calls/{call_id}/digits", json=True)
        return text_in("call", self.calls.call(ask), "digits")

    def mute(self, call_id: Id) -> None:
        """Mute a call in both directions."""
        self.calls.call(Ask(peer="call", method="POST", uri=f"/v1/calls/{call_id}/mute", body={"direction": ""}))
