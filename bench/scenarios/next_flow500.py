"""`next_flow500`: `next` in a flow of 500 actions."""

from __future__ import annotations

from collections.abc import Callable

from bench.flows import START, created, looping, stored
from bench.pump import Pump, Scenario, User
from bench.walk import REQUESTS, walk


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow."""
    flow_id = stored(pump, looping(500))

    def user() -> User:
        while True:
            activeflow_id = yield from created(flow_id)
            yield from walk(activeflow_id, START, REQUESTS)

    return user


SCENARIO = Scenario("next_flow500", start)
