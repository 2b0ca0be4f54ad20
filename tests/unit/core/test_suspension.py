"""Activeflows on top of each other: those below rest, and their clocks stand still."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.activeflow import Activeflow, Driver, State, Suspension, Wait
from flowmanager.core.machine import Command, resume
from flowmanager.core.suspension import cover, postpone, rest, uncover
from flowmanager.errors import StaleAction
from tests.unit.core.builders import LATER, LIMITS, MOMENT, NOW, activeflow

durations = some.timedeltas(timedelta(), timedelta(days=30))
PAUSES = [(State.CREATED, None), (State.BLOCKED, None), *((State.WAITING, driver) for driver in Driver)]


def paused(state: State, driver: Driver | None, left: timedelta | None = None) -> Activeflow:
    """Return an activeflow that waits, with so much time left."""
    until = NOW + left if left is not None else None
    return activeflow(cursor="main.a", state=state, wait=Wait(driver, until) if driver else None)


@given(some.sampled_from(PAUSES), some.none() | durations, durations)
def test_what_was_covered_goes_on_as_it_was(
    pause: tuple[State, Driver | None], left: timedelta | None, rested: timedelta
) -> None:
    """A wait has as much time left as before, however long the other one ran."""
    flow = paused(*pause, left)
    covered = cover(flow, NOW)
    assert (covered.state, covered.covered, covered.wait) == (State.SUSPENDED, True, None)
    until = NOW + rested + left if left is not None else None
    expected = flow.evolve(wait=Wait(flow.wait.driver, until) if flow.wait else None)
    assert uncover(covered, NOW + rested) == expected


def test_a_wait_whose_time_is_over_is_due_at_once() -> None:
    """Not earlier than it is uncovered."""
    covered = cover(paused(State.WAITING, Driver.TIMER, timedelta(seconds=-5)), NOW)
    assert uncover(covered, LATER).wait == Wait(Driver.TIMER, LATER)


def test_one_that_executes_is_only_marked() -> None:
    """It rests when its action is done; uncovered before that, it has noticed nothing."""
    flow = activeflow(cursor="main.a")
    covered = cover(flow, NOW)
    assert covered == flow.evolve(covered=True)
    assert uncover(covered, LATER) == flow


def test_one_that_rests_in_the_middle_of_a_turn_is_due_when_it_is_uncovered() -> None:
    """The clock resumes it then."""
    resting = rest(cover(activeflow(cursor="main.a", tm_execute=None), NOW), NOW)
    assert (resting.state, resting.suspension) == (State.SUSPENDED, Suspension(State.EXECUTING))
    due = uncover(resting, LATER)
    assert (due.state, due.wait, due.covered) == (State.WAITING, Wait(Driver.TIMER, LATER), False)
    assert resume(due, Command.TIMER, MOMENT, limits=LIMITS).steps == ()


@pytest.mark.parametrize("command", Command)
@pytest.mark.parametrize(("state", "driver"), PAUSES)
def test_nothing_resumes_one_that_rests(state: State, driver: Driver | None, command: Command) -> None:
    """Whatever it waited for."""
    with pytest.raises(StaleAction):
        resume(cover(paused(state, driver), NOW), command, MOMENT, limits=LIMITS)


@pytest.mark.parametrize(("state", "driver"), PAUSES)
def test_an_execute_counts_later_where_it_would_count_now(state: State, driver: Driver | None) -> None:
    """One that has not begun, or is blocked, goes on when it is uncovered; a wait is not cut short."""
    later = postpone(cover(paused(state, driver), NOW))
    if state is State.WAITING:
        assert later is None
        return
    assert later is not None
    assert (later.state, uncover(later, LATER).wait) == (State.SUSPENDED, Wait(Driver.TIMER, LATER))


def test_one_that_does_not_rest_has_nothing_to_postpone() -> None:
    """It executes at once."""
    assert postpone(paused(State.CREATED, None)) is None
