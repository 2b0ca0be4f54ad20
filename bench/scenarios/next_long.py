"""`next_long`: `next` of an activeflow that has executed more than 5 000 actions."""

from __future__ import annotations

from collections.abc import Callable

from bench.flows import START, act, created, following, looping, stored
from bench.pump import Ask, Pump, Scenario, User
from bench.walk import walk

PUSHES, PUSHED = 6, 900
"""A turn may run 1 000 actions."""
ENDLESS = 10**9


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow."""
    flow_id = stored(pump, looping(5))
    actions = [act("variable_set", key="n", value="1") for _ in range(PUSHED)]

    def user() -> User:
        activeflow_id = yield from created(flow_id)
        current = (yield following(activeflow_id, START))["id"]
        for _ in range(PUSHES):
            yield Ask("POST", f"/v1/activeflows/{activeflow_id}/push_actions", {"actions": actions})
            current = (yield following(activeflow_id, current))["id"]
        yield from walk(activeflow_id, current, ENDLESS)

    return user


SCENARIO = Scenario("next_long", start)
