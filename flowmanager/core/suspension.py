"""The stack of activeflows on one reference: the one on top runs, those below rest and their timers stand still."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flowmanager.core.activeflow import Activeflow, Driver, State, Suspension, Wait


def cover(flow: Activeflow, now: datetime) -> Activeflow:
    """Put another activeflow on top. One that executes rests as soon as its present action is done."""
    covered = flow.evolve(covered=True)
    return covered if flow.state is State.EXECUTING else rest(covered, now)


def rest(flow: Activeflow, now: datetime) -> Activeflow:
    """Suspend a covered activeflow, remembering what it was about and how much of its wait was left."""
    wait = flow.wait
    remaining = max(wait.until - now, now - now) if wait and wait.until else None
    suspension = Suspension(flow.state, wait.driver if wait else None, remaining)
    return flow.evolve(state=State.SUSPENDED, suspension=suspension, wait=None)


def uncover(flow: Activeflow, now: datetime) -> Activeflow:
    """Take the activeflow above away: go on where it was left; what was in the middle of a turn is due at once."""
    uncovered = flow.evolve(covered=False, suspension=None)
    suspension = flow.suspension
    if suspension is None:
        return uncovered
    if suspension.state is State.EXECUTING:
        return uncovered.evolve(state=State.WAITING, wait=Wait(Driver.TIMER, now))
    until = now + suspension.remaining if suspension.remaining is not None else None
    wait = Wait(suspension.driver, until) if suspension.driver else None
    return uncovered.evolve(state=suspension.state, wait=wait)


def postpone(flow: Activeflow) -> Activeflow | None:
    """Have a suspended activeflow go on when it is uncovered, where `execute` would start it now; else None."""
    suspension = flow.suspension
    if suspension is None or suspension.state not in (State.CREATED, State.BLOCKED):
        return None
    return flow.evolve(suspension=replace(suspension, state=State.EXECUTING, driver=None, remaining=None))
