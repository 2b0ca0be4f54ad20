"""What scenarios make flows and activeflows of."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from typing import Any
from uuid import uuid4

from bench.pump import Ask, Json, Pump

CUSTOMER = os.environ.get("BENCH_CUSTOMER", "5e4a0680-804e-11ec-8477-2fea5968d85b")


def act(action_type: str, /, name: str = "", **option: Any) -> Json:
    """Return an action; a name can be used as a target."""
    return {"type": action_type, **({"id": name} if name else {}), **({"option": option} if option else {})}


def talk(text: str = "Welcome to the support line. Please listen.") -> Json:
    """Return an action that the caller performs."""
    return act("talk", text=text, language="en-US")


def looping(size: int) -> list[Json]:
    """Return so many actions that the caller performs; the first follows the last."""
    first, last = talk() | {"id": str(uuid4())}, talk()
    return [first, *(talk() for _ in range(size - 2)), last | {"next_id": first["id"]}]


def stored(pump: Pump, actions: Sequence[Json]) -> str:
    """Store a flow and return its id."""
    flow = {"customer_id": CUSTOMER, "type": "flow", "name": "bench", "persist": True, "actions": list(actions)}
    flow_id: str = pump.ask("POST", "/v1/flows", flow)["id"]
    return flow_id


def created(flow_id: str, reference_id: str = "", **more: Any) -> Generator[Ask, Any, str]:
    """Create an activeflow of a call and return its id."""
    wanted = {
        "id": str(uuid4()),
        "customer_id": CUSTOMER,
        "flow_id": flow_id,
        "reference_type": "call",
        "reference_id": reference_id or str(uuid4()),
        **more,
    }
    made = yield Ask("POST", "/v1/activeflows", wanted)
    activeflow_id: str = made["id"]
    return activeflow_id


def following(activeflow_id: str, current: str) -> Ask:
    """Return the request for the action after `current`."""
    return Ask("GET", f"/v1/activeflows/{activeflow_id}/next", {"current_action_id": current})


START = "00000000-0000-0000-0000-000000000001"
FINISH = "00000000-0000-0000-0000-000000000002"
