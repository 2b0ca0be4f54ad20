"""What an action in memory costs, counted in calls of functions: a time would depend on the machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from flowmanager.bootstrap import all_executors
from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, ReferenceType, State, Turn
from flowmanager.core.limits import Limits
from flowmanager.core.stacks import StackMap
from flowmanager.memory import all_kept
from flowmanager.orchestrator.fold import Fold, Progress
from flowmanager.orchestrator.option_text import KNOWN
from tests.fakes import FlowShelf

ID = "4d2f8a71-0b9e-4f36-8d0c-c1e5a7b3f920"
NOW = datetime(2026, 5, 4, 7, 8, 9, tzinfo=UTC)
MOST = 52
"""Calls of Python functions for one `variable_set`; 47 in Python 3.11, fewer in later versions."""


def turn_of(size: int, more: int = 0) -> Callable[[], Progress]:
    """A turn of so many actions that ask nobody, in a flow with more actions after the one that it stops at."""
    pure = [
        Action(f"{number:08}-0000-4000-8000-000000000000", "variable_set", option(number)) for number in range(size)
    ]
    rest = [Action(f"{number:08}-0000-4000-8000-000000000001", "talk") for number in range(1 + more)]
    stacks = StackMap.of((*pure, *rest))
    flow = Activeflow(id=ID, reference_type=ReferenceType.CALL, state=State.EXECUTING, stacks=stacks)
    fold = Fold(all_executors(), Limits(), FlowShelf(), NOW)

    def run() -> Progress:
        return fold.run(Progress(flow=flow, turn=Turn(Driver.PULL)))

    # What is remembered of its actions is found out once, and there is room for it.
    KNOWN.clear()
    assert len(run().steps) == size
    return run


def option(number: int) -> dict[str, Any]:
    """The option of one of them."""
    return {"key": "n", "value": str(number)}


def calls_of(act: Callable[[], object]) -> int:
    """Count the calls of Python functions."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    # What earlier tests left behind would be cleaned up meanwhile, and counted.
    gc.collect()
    with all_kept():
        sys.setprofile(note)
        try:
            act()
        finally:
            sys.setprofile(before)
    return count


def test_an_action_that_asks_nobody_takes_few_calls() -> None:
    """Each of them, however many there were before it."""
    ten, twenty, forty = (calls_of(turn_of(size)) for size in (10, 20, 40))
    assert forty - twenty == 2 * (twenty - ten)
    assert (twenty - ten) / 10 <= MOST


def test_it_takes_as_many_in_a_large_flow() -> None:
    assert calls_of(turn_of(20, more=500)) == calls_of(turn_of(20))
