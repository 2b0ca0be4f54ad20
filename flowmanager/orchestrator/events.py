"""The messages that a change brings: our event and the request that has it sent to the customer's webhook."""

from __future__ import annotations

from collections.abc import Sequence

from flowmanager.core.activeflow import Activeflow, Step
from flowmanager.core.flow import Flow
from flowmanager.core.ids import NIL
from flowmanager.ports import Ids, Message, MessageKind
from flowmanager.schemas.envelopes import JSON_TYPE, encode_event, encode_request
from flowmanager.schemas.wire import event_wire, flow_wire, webhook_wire


def activeflow_messages(ids: Ids, event_type: str, flow: Activeflow, steps: Sequence[Step]) -> list[Message]:
    """Return the event, and the webhook request unless the activeflow belongs to nobody."""
    data = event_wire(flow, steps)
    event = Message(
        id=ids.new(),
        kind=MessageKind.EVENT,
        activeflow_id=flow.id,
        body=encode_event(event_type, data),
        target=event_type,
    )
    if flow.customer_id == NIL:
        return [event]
    payload = {"type": event_type, "data": webhook_wire(data)}
    body = {"customer_id": flow.customer_id, "data_type": JSON_TYPE, "data": payload}
    request = encode_request("POST", "/v1/webhooks", body)
    webhook = Message(id=ids.new(), kind=MessageKind.REQUEST, activeflow_id=flow.id, body=request, target="webhook")
    return [event, webhook]


def flow_message(ids: Ids, event_type: str, flow: Flow) -> Message:
    """Return the event of a flow."""
    body = encode_event(event_type, flow_wire(flow))
    return Message(id=ids.new(), kind=MessageKind.EVENT, activeflow_id=flow.id, body=body, target=event_type)
