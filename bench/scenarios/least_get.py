"""`least_get`: the least that any worker must do for `get`, see bench/limit.py."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from bench.pump import Ask, Done, Pump, Scenario, User


def start(_: Pump) -> Callable[[], User]:
    """Nothing has to be prepared."""

    def user() -> User:
        while True:
            started = perf_counter()
            yield Ask("GET", "/get")
            yield Done(started)

    return user


SCENARIO = Scenario("least_get", start, least="")
