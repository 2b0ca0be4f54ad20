"""`event`: the caller hangs up; until the event that says that the activeflow is over."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from uuid import uuid4

from bench.flows import START, created, following, looping, stored
from bench.pump import Done, Pump, Scenario, Tell, UntilEnded, User


def start(pump: Pump) -> Callable[[], User]:
    """Store the flow."""
    flow_id = stored(pump, looping(5))

    def user() -> User:
        while True:
            call_id = str(uuid4())
            activeflow_id = yield from created(flow_id, call_id)
            yield following(activeflow_id, START)
            started = perf_counter()
            yield Tell("call-manager", "call_hangup", {"id": call_id, "activeflow_id": activeflow_id})
            yield UntilEnded(activeflow_id)
            yield Done(started)

    return user


SCENARIO = Scenario("event", start, listens=True)
