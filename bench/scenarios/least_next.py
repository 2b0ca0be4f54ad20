"""`least_next`: the least that any worker must do for `next`, see bench/limit.py."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from bench.pump import Ask, Done, Pump, Scenario, User


def start(_: Pump) -> Callable[[], User]:
    """Nothing has to be prepared."""

    def user() -> User:
        while True:
            started = perf_counter()
            yield Ask("GET", "/next")
            yield Done(started)

    return user


SCENARIO = Scenario("least_next", start, least="")
