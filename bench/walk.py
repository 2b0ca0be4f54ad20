"""Walking through an activeflow, one `next` after the other."""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter
from typing import Any

from bench.flows import following
from bench.pump import Doing, Done

REQUESTS = 90
"""Requests to one activeflow before another one is taken: an activeflow may be resumed 100 times."""


def walk(activeflow_id: str, current: str, requests: int) -> Generator[Doing, Any, str]:
    """Ask for so many actions, each measured; return the id of the last."""
    for _ in range(requests):
        started = perf_counter()
        action = yield following(activeflow_id, current)
        yield Done(started)
        current = action["id"]
    return current
