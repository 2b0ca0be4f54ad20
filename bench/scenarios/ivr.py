"""`ivr`: a call flow of six actions from its creation to its end, by one `next` after the other."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from bench.flows import FINISH, START, created, following, stored
from bench.ivr import IVR
from bench.pump import Done, Pump, Scenario, User


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow."""
    flow_id = stored(pump, IVR)

    def user() -> User:
        while True:
            started = perf_counter()
            activeflow_id = yield from created(flow_id)
            current = START
            while current != FINISH:
                current = (yield following(activeflow_id, current))["id"]
            yield Done(started)

    return user


SCENARIO = Scenario("ivr", start)
