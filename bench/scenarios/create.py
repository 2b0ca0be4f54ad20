"""`create`: create an activeflow of a stored flow of six actions."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from bench.flows import created, stored
from bench.ivr import IVR
from bench.pump import Done, Pump, Scenario, User


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow."""
    flow_id = stored(pump, IVR)

    def user() -> User:
        while True:
            started = perf_counter()
            yield from created(flow_id)
            yield Done(started)

    return user


SCENARIO = Scenario("create", start)
