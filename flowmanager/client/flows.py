"""Stored flows: `/v1/flows`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from flowmanager.client.exchange import Exchanger
from flowmanager.client.options import (
    CallOptions,
    FlowTexts,
    FlowToCheck,
    ListOptions,
    NewFlow,
    body_of,
    call_options,
)
from flowmanager.client.paging import each
from flowmanager.client.records import Action, Flow, GivenAction, Validation, action_wires
from flowmanager.core.ids import NIL


@dataclass(frozen=True, slots=True)
class Flows:
    """The templates that activeflows are started from. Every method raises ClientError."""

    exchanger: Exchanger

    def create(self, customer_id: str, **given: Unpack[NewFlow]) -> Flow:
        """Store a flow, for good unless `persist` is false. Raises InvalidRequest, FlowLimit."""
        body = {"persist": True, "customer_id": customer_id, **body_of(given)}
        return self.exchanger.read(Flow.read, "POST", "/v1/flows", body, call_options(given))

    def validate(self, customer_id: str = NIL, **given: Unpack[FlowToCheck]) -> Validation:
        """Look at a flow without storing it. What is wrong is in the result, not an error."""
        body = {"customer_id": customer_id, **body_of(given)}
        return self.exchanger.read(Validation.read, "POST", "/v1/flows/validate", body, call_options(given))

    def get(self, flow_id: str, **options: Unpack[CallOptions]) -> Flow:
        """Return a flow, a deleted one too. Raises FlowNotFound."""
        return self.exchanger.read(Flow.read, "GET", f"/v1/flows/{flow_id}", None, options)

    def list(self, filters: Mapping[str, Any] | None = None, **options: Unpack[ListOptions]) -> Iterator[Flow]:
        """Yield the stored flows that match all filters (such as `customer_id`, `type`, `deleted`), newest first."""
        return each(self.exchanger, Flow, "/v1/flows", filters or {}, options)

    def update(self, flow_id: str, **given: Unpack[FlowTexts]) -> Flow:
        """Replace name, detail, actions and on-complete flow; what is not given is cleared. Raises FlowNotFound."""
        return self.exchanger.read(Flow.read, "PUT", f"/v1/flows/{flow_id}", body_of(given), call_options(given))

    def update_actions(self, flow_id: str, actions: Iterable[GivenAction], **options: Unpack[CallOptions]) -> Flow:
        """Replace the actions; running activeflows keep theirs. Raises FlowNotFound, InvalidRequest."""
        body = {"actions": action_wires(actions)}
        return self.exchanger.read(Flow.read, "PUT", f"/v1/flows/{flow_id}/actions", body, options)

    def delete(self, flow_id: str, **options: Unpack[CallOptions]) -> Flow:
        """Hide a flow. Raises FlowNotFound."""
        return self.exchanger.read(Flow.read, "DELETE", f"/v1/flows/{flow_id}", None, options)

    def count(self, customer_id: str, **options: Unpack[CallOptions]) -> int:
        """Return how many flows a customer has stored."""
        body = {"customer_id": customer_id}
        uri = "/v1/flows/count_by_customer"
        return self.exchanger.read(lambda answer: int(answer["count"]), "GET", uri, body, options)

    def action(self, flow_id: str, action_id: str, **options: Unpack[CallOptions]) -> Action:
        """Return one action as it was stored. Raises FlowNotFound, ActionNotFound."""
        return self.exchanger.read(Action.read, "GET", f"/v1/flows/{flow_id}/actions/{action_id}", None, options)

    def regenerate_direct_hash(self, flow_id: str, **options: Unpack[CallOptions]) -> Flow:
        """Give a flow a new direct hash, or its first one. Raises FlowNotFound, ServerError."""
        return self.exchanger.read(Flow.read, "POST", f"/v1/flows/{flow_id}/direct-hash-regenerate", None, options)
