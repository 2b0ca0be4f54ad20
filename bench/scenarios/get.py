"""`get`: show an activeflow that waits in the middle of its flow."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from bench.flows import START, created, following, stored, talk
from bench.pump import Ask, Done, Pump, Scenario, User


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow."""
    flow_id = stored(pump, [talk(), talk(), talk()])

    def user() -> User:
        activeflow_id = yield from created(flow_id)
        yield following(activeflow_id, START)
        while True:
            started = perf_counter()
            yield Ask("GET", f"/v1/activeflows/{activeflow_id}")
            yield Done(started)

    return user


SCENARIO = Scenario("get", start, least="get")
