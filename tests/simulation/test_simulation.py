"""Many small worlds, each with its own misfortunes: a seeded simulation of workers, callers, peers and time."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.callers import Caller, Meddler, PullCaller, PushCaller
from tests.simulation.checks import violations
from tests.simulation.world import QUIET, Faults, World

SEEDS = 1000
GROUP = 50
SETTLE_SECONDS = 60.0


def simulate(seed: int) -> list[str]:
    """Let one world happen; return what is wrong in the end."""
    world = World(seed)
    rate = world.random.choice([0.0, 0.01, 0.03])
    world.faults = Faults(rate, rate, rate, 0.0, 0.2)
    kills = world.random.randint(0, 4)
    callers: list[Caller] = [PullCaller(world), PushCaller(world), PullCaller(world)]
    callers.append(Meddler(world, callers[:3]))
    for _ in range(2):
        world.start_worker()
    for caller in callers:
        world.scheduler.spawn(caller.run, caller)  # type: ignore[attr-defined]
    world.kill_at = {world.random.randint(20, 600) for _ in range(kills)}
    try:
        world.run(lambda: all(caller.done for caller in callers))
        world.faults = QUIET
        world.kill_at.clear()
        world.settle(SETTLE_SECONDS)
        return violations(world, callers)
    finally:
        world.scheduler.close()


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """The worlds are loud."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_nothing_is_lost_and_nothing_happens_twice(first: int) -> None:
    """Whatever goes wrong on the way, in the end every promise is kept."""
    found = {seed: wrong for seed in range(first, first + GROUP) if (wrong := simulate(seed))}
    assert not found
