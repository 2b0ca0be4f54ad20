"""`push`: the call flow of six actions in push mode: we tell the call's manager, its events drive the flow."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from bench.flows import created, stored
from bench.ivr import SPOKEN
from bench.pump import Ask, Done, Pump, Scenario, UntilEnded, User


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow."""
    flow_id = stored(pump, SPOKEN)

    def user() -> User:
        while True:
            started = perf_counter()
            activeflow_id = yield from created(flow_id)
            yield Ask("POST", f"/v1/activeflows/{activeflow_id}/execute")
            yield UntilEnded(activeflow_id)
            yield Done(started)

    return user


SCENARIO = Scenario("push", start, listens=True, peers=True)
