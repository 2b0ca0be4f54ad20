"""The action types, found once for all simulations of a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from flowmanager.bootstrap import all_executors
from flowmanager.executor import Executor


@cache
def real_executors() -> Mapping[str, Executor]:
    """Return every action type by name."""
    return all_executors()
