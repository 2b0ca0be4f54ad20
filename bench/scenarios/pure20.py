"""`pure20`: one `next` that runs twenty actions which ask nobody, up to one for the caller."""

from __future__ import annotations

from collections.abc import Callable

from bench.flows import START, act, created, stored, talk
from bench.pump import Pump, Scenario, User
from bench.walk import REQUESTS, walk


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow: twenty actions, one for the caller, and back to the first."""
    first = act("variable_set", key="n", value="0") | {"id": "11111111-0000-4000-8000-000000000001"}
    pure = [first, *(act("variable_set", key="n", value=str(number)) for number in range(1, 20))]
    flow_id = stored(pump, [*pure, talk() | {"next_id": first["id"]}])

    def user() -> User:
        while True:
            activeflow_id = yield from created(flow_id)
            yield from walk(activeflow_id, START, REQUESTS)

    return user


SCENARIO = Scenario("pure20", start)
