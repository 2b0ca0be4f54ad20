"""A customer comes, has flows, and goes: nothing of theirs may be there any more."""

from __future__ import annotations

from time import monotonic, sleep

import orjson

from flowmanager.transport.envelope import PERSISTENT, Letter
from tests.faults.asker import GaveUp
from tests.faults.flows import blocks, timers
from tests.faults.history import Json
from tests.faults.play import POLL_SECONDS, Play

FLOWS = 3


def run_customer(play: Play) -> None:
    """Make flows for a customer, change, delete and start them; then the customer is gone."""
    customer_id = play.asker.new_id()
    kept, *others = [made(play, customer_id, number) for number in range(FLOWS)]
    for number in range(2):
        data = {"name": f"changed {number}", "actions": kept["actions"]}
        play.asker.ask("update-flow", "PUT", f"/v1/flows/{kept['id']}", data)
    play.asker.ask("delete-flow", "DELETE", f"/v1/flows/{others[0]['id']}")
    started = [begun(play, customer_id, flow["id"]) for flow in (kept, others[1])]
    play.stage.history.add("customer_leaves", customer_id=customer_id)
    play.stage.post.send(farewell(play, customer_id))
    uris = [f"/v1/activeflows/{one}" for one in started] + [f"/v1/flows/{kept['id']}"]
    await_gone(play, uris)
    play.stage.history.add("customer_gone", customer_id=customer_id)
    play.stage.post.send(farewell(play, customer_id))
    filters = {"customer_id": customer_id, "deleted": False}
    for uri in ("/v1/activeflows?page_size=20", "/v1/flows?page_size=20"):
        play.asker.ask("read-list", "GET", uri, filters, customer_id=customer_id)


def made(play: Play, customer_id: str, number: int) -> Json:
    """Store a flow. Raises GaveUp when that is refused."""
    actions = (blocks, timers, blocks)[number](play.asker.new_id)
    wanted = {"customer_id": customer_id, "type": "flow", "name": "made", "persist": True, "actions": actions}
    reply = play.asker.ask("create-flow", "POST", "/v1/flows", wanted)
    if not reply.good:
        raise GaveUp(customer_id)
    return {"id": reply.data["id"], "actions": actions}


def begun(play: Play, customer_id: str, flow_id: str) -> str:
    """Start an activeflow and return its id."""
    activeflow_id = play.asker.new_id()
    wanted = {"id": activeflow_id, "customer_id": customer_id, "flow_id": flow_id, "reference_type": "api"}
    facts = {"activeflow_id": activeflow_id}
    play.asker.ask("create", "POST", "/v1/activeflows", {**wanted, "reference_id": play.asker.new_id()}, **facts)
    play.asker.ask("execute", "POST", f"/v1/activeflows/{activeflow_id}/execute", **facts)
    return activeflow_id


def await_gone(play: Play, uris: list[str]) -> None:
    """Wait until everything there is deleted. Raises GaveUp."""
    began = monotonic()
    for uri in uris:
        while not (play.asker.ask("read", "GET", uri).data or {}).get("tm_delete"):
            if play.stage.patience.over(began):
                raise GaveUp(uri)
            sleep(POLL_SECONDS)


def farewell(play: Play, customer_id: str) -> Letter:
    """Return the event that says that a customer is gone, which the broker keeps."""
    body = {"type": "customer_deleted", "publisher": "customer-manager", "data": {"id": customer_id}}
    exchange = play.stage.names.event_exchange("customer")
    return Letter(body=orjson.dumps(body), exchange=exchange, properties={"delivery_mode": PERSISTENT})
