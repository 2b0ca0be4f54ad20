"""Which command resumes which state."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State, StepResult, Wait
from flowmanager.core.limits import Limits
from flowmanager.core.machine import Command, resume
from flowmanager.errors import ActiveflowEnded, StaleAction
from tests.unit.core.builders import LIMITS, MOMENT, NOW, activeflow, known

RESUMED = """
            execute      next   continue   signal       timer        forward
created     none,timer   none   -          -            timer        -
executing   -            -      -          -            -            -
waiting     -            pull   -          push,timer   push,timer   push,timer
blocked     none         none   none       none         -            none
suspended   -            -      -          -            -            -
"""
"""Whose wait (none: no wait) each command ends in each state; what is not listed is stale."""


def cells() -> dict[tuple[State, Command], set[str]]:
    """Return the table by state and command."""
    head, *lines = [line.split() for line in RESUMED.strip().splitlines()]
    return {
        (State(line[0]), Command(command)): set(cell.split(","))
        for line in lines
        for command, cell in zip(head, line[1:], strict=True)
    }


def waiting(state: State, driver: Driver | None) -> Activeflow:
    """Return an activeflow that stands on its action `a` in a state."""
    return activeflow(cursor="main.a", state=state, wait=Wait(driver) if driver else None)


TABLE = cells()
EVERY = list(product(State, Command, [None, *Driver]))
GOOD = [one for one in EVERY if (one[2].value if one[2] else "none") in TABLE.get(one[:2], set())]
STALE = [one for one in EVERY if one not in GOOD and not one[0].over]


@pytest.mark.parametrize(("state", "command", "driver"), GOOD)
def test_a_command_resumes(state: State, command: Command, driver: Driver | None) -> None:
    """The flow is executing then, waits for nobody, and was resumed once more."""
    flow = resume(waiting(state, driver), command, MOMENT, limits=LIMITS).flow
    assert (flow.state, flow.wait, flow.execute_count) == (State.EXECUTING, None, 1)


@pytest.mark.parametrize(("state", "command", "driver"), STALE)
def test_any_other_command_is_stale(state: State, command: Command, driver: Driver | None) -> None:
    """A wait is ended by its own driver only."""
    with pytest.raises(StaleAction):
        resume(waiting(state, driver), command, MOMENT, limits=LIMITS)


@pytest.mark.parametrize(("state", "command"), list(product((State.ENDED, State.ERROR), Command)))
def test_an_ended_activeflow_is_never_resumed(state: State, command: Command) -> None:
    """Whatever else would be wrong with the command."""
    with pytest.raises(ActiveflowEnded):
        resume(waiting(state, None), command, MOMENT, limits=LIMITS, seen=known("x"))


def test_the_table_has_every_state_that_is_not_over() -> None:
    """And every command; so a new one must be decided here."""
    assert set(TABLE) == {(state, command) for state in State if not state.over for command in Command}


@pytest.mark.parametrize(("state", "command", "driver"), GOOD)
def test_a_sender_that_believes_in_another_action_is_stale(
    state: State, command: Command, driver: Driver | None
) -> None:
    """The action it names is not the current one."""
    with pytest.raises(StaleAction):
        resume(waiting(state, driver), command, MOMENT, limits=LIMITS, seen=known("b"))
    assert resume(waiting(state, driver), command, MOMENT, limits=LIMITS, seen=known("a")).flow.execute_count == 1


@pytest.mark.parametrize(
    ("command", "driver", "result"),
    [
        (Command.NEXT, Driver.PULL, StepResult.DONE),
        (Command.TIMER, Driver.TIMER, StepResult.DONE),
        (Command.TIMER, Driver.PUSH, StepResult.TIMEOUT),
        (Command.FORWARD, Driver.PUSH, StepResult.INTERRUPTED),
        (Command.FORWARD, Driver.TIMER, StepResult.INTERRUPTED),
    ],
)
def test_the_action_waited_for_is_left(command: Command, driver: Driver, result: StepResult) -> None:
    """The history says how its wait ended."""
    change = resume(waiting(State.WAITING, driver), command, MOMENT, limits=LIMITS)
    assert [(step.seq, step.action.id, step.result) for step in change.steps] == [(0, known("a"), result)]
    assert (change.flow.executed_count, change.flow.tm_execute) == (1, None)


@pytest.mark.parametrize("driver", [Driver.PUSH, Driver.TIMER])
def test_a_signal_leaves_the_action_to_its_executor(driver: Driver) -> None:
    """It is under way still: the executor says what the event means."""
    change = resume(waiting(State.WAITING, driver), Command.SIGNAL, MOMENT, limits=LIMITS)
    assert (change.steps, change.flow.tm_execute) == ((), NOW)


def test_a_start_leaves_nothing() -> None:
    """No action has begun before the first."""
    change = resume(activeflow(state=State.CREATED), Command.EXECUTE, MOMENT, limits=LIMITS, seen=known("start"))
    assert change.steps == ()


def test_the_hundred_and_first_resume_ends_the_flow() -> None:
    """It was resumed a hundred times; the wait's action is interrupted and the error names the limit."""
    flow = waiting(State.WAITING, Driver.PULL)
    hundredth = resume(flow.evolve(execute_count=99), Command.NEXT, MOMENT, limits=LIMITS).flow
    assert (hundredth.state, hundredth.execute_count) == (State.EXECUTING, 100)
    change = resume(flow.evolve(execute_count=100), Command.NEXT, MOMENT, limits=LIMITS)
    assert (change.flow.state, change.flow.ended_reason) == (State.ERROR, EndedReason.LIMIT_EXECUTIONS)
    assert change.flow.fault is not None
    assert change.flow.fault.message == "resumed more than 100 times"
    assert [step.result for step in change.steps] == [StepResult.INTERRUPTED]


@given(some.sampled_from(EVERY), some.integers(0, 4), some.integers(1, 4), some.booleans())
def test_a_resume_counts_ends_or_is_refused(
    cell: tuple[State, Command, Driver | None], count: int, most: int, deadline: bool
) -> None:
    """There is no fourth possibility."""
    state, command, driver = cell
    flow = waiting(state, driver).evolve(execute_count=count)
    if flow.wait and deadline:
        flow = flow.evolve(wait=Wait(flow.wait.driver, NOW + timedelta(hours=1)))
    try:
        after = resume(flow, command, MOMENT, limits=Limits(executions=most)).flow
    except (StaleAction, ActiveflowEnded):
        assert cell not in GOOD
        return
    assert after.over is (count >= most)
    assert after.execute_count == (count if after.over else count + 1)
