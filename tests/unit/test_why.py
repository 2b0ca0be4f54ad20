"""One sentence says why an activeflow stands where it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, ReferenceType, State, Wait
from flowmanager.core.ids import MAIN
from flowmanager.core.stacks import Frame, Place, Return, StackMap
from flowmanager.schemas.why import ENDED, why

NOW = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)
ID, OTHER = "5e0a3f7c-1f0e-4c8e-9a51-2f6f2d1c9e11", "2f7b9c61-d3e4-4085-a1f6-5c8e0b7d9a24"
TALK = Action(ID, "talk")


def after(seconds: float) -> datetime:
    """A moment later than now."""
    return NOW + timedelta(seconds=seconds)


CASES: list[tuple[dict[str, Any], str]] = [
    ({"wait": Wait(Driver.TIMER, NOW)}, "it follows another activeflow and is due now"),
    (
        {"wait": Wait(Driver.TIMER, after(-30))},
        "it follows another activeflow and is due; that was due 30 s ago: does any worker run?",
    ),
    (
        {"state": State.EXECUTING, "owner": OTHER, "tm_execute": after(-90)},
        f"worker {OTHER} has asked other managers on behalf of `talk` for 90 s",
    ),
    ({"state": State.EXECUTING}, "worker ? has asked other managers on behalf of `talk`"),
    (
        {"state": State.SUSPENDED, "reference_type": ReferenceType.CONVERSATION, "reference_id": OTHER},
        f"a newer activeflow lies on top of it on conversation {OTHER}",
    ),
    (
        {"state": State.WAITING, "wait": Wait(Driver.PUSH)},
        "an event of call-manager must tell that `talk` is done, however long that takes",
    ),
    (
        {"state": State.WAITING, "wait": Wait(Driver.TIMER, after(3600))},
        "the clock ends `talk`, at the latest 08:00:00 UTC (in 1 h 0 min)",
    ),
    (
        {"state": State.WAITING, "wait": Wait(Driver.TIMER, after(300))},
        "the clock ends `talk`, at the latest 07:05:00 UTC (in 5 min)",
    ),
    (
        {"state": State.WAITING, "wait": Wait(Driver.TIMER, after(86_400))},
        "the clock ends `talk`, at the latest 2026-05-05 07:00 UTC (in 24 h 0 min)",
    ),
    ({"state": State.ENDED}, "nobody noted why"),
    (
        {"state": State.ENDED, "ended_reason": EndedReason.FINISHED, "on_complete_blocked": True},
        "it ran to its end; its on-complete flow was not started",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), CASES, ids=[sentence for _, sentence in CASES])
def test_it_says_why(changes: dict[str, Any], sentence: str) -> None:
    flow = Activeflow(id=ID, stacks=StackMap.of((TALK,)), current_action=TALK)
    assert why(flow.evolve(**changes), NOW) == sentence


@pytest.mark.parametrize(("at", "inside"), [(False, "queue_join"), (True, "pushed actions")])
def test_it_says_in_which_stack(at: bool, inside: str) -> None:
    main = Frame(MAIN, (Action(OTHER, "queue_join"),))
    stacks = StackMap({MAIN: main, ID: Frame(ID, (TALK,), Return(Place(MAIN, OTHER), at))})
    flow = Activeflow(id=ID, stacks=stacks, cursor=Place(ID, ID), state=State.BLOCKED)
    assert why(flow, NOW).replace("`", "").endswith(f" goes on (inside {inside})")


def test_every_end_has_a_sentence() -> None:
    assert set(ENDED) == set(EndedReason)
