"""What outcomes, jumps, pushes and releases do to an activeflow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core import machine
from flowmanager.core.action import FINISH_ACTION, Action
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State, StepResult, Turn, Wait
from flowmanager.core.ids import MAIN, NIL
from flowmanager.core.limits import Limits
from flowmanager.core.outcomes import Block, Continue, Failed, Finish, Hold, Jump, Outcome, Push
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.stacks import Place
from flowmanager.errors import ActiveflowEnded, FlowManagerError, MainStack, StackTooDeep, TargetNotFound, VariableLimit
from tests.unit.core.builders import LATER, LIMITS, MOMENT, NOW, actions, activeflow, known, place, run_out, stack_map

NESTED = stack_map("a b c", S="main.b: x y", T="S.x: z")


def settled(outcome: Outcome, **changes: Any) -> machine.Change:
    """Return what an outcome of the action `a` does."""
    return machine.settle(activeflow(cursor="main.a", **changes), outcome, MOMENT, limits=LIMITS)


def ids(words: str) -> list[str]:
    """Return the ids that words stand for."""
    return [known(word) for word in words.split()]


LEFT: list[tuple[Outcome, StepResult, str, str]] = [
    (Continue(), StepResult.DONE, "", "b c"),
    (Jump(known("c")), StepResult.DONE, "", "c"),
    (Jump(known("start")), StepResult.DONE, "", "a b c"),
    (Push(known("S"), actions("x y")), StepResult.DONE, "", "x y b c"),
    (Push(known("S"), ()), StepResult.DONE, "", "b c"),
    (Failed("no", fatal=False), StepResult.FAILED, "no", "b c"),
]


@pytest.mark.parametrize(("outcome", "result", "error", "rest"), LEFT, ids=lambda one: type(one).__name__)
def test_the_action_is_left_and_the_flow_goes_on(outcome: Outcome, result: StepResult, error: str, rest: str) -> None:
    """The history has one line with begin, end and cause."""
    change = settled(outcome)
    (step,) = change.steps
    assert (step.seq, step.action.id, step.result, step.error) == (0, known("a"), result, error)
    assert (step.cause, step.tm_execute, step.tm_end) == ("test", NOW, LATER)
    assert (change.flow.state, change.flow.executed_count) == (State.EXECUTING, 1)
    assert run_out(change.flow) == ids(rest)


@pytest.mark.parametrize("limit", [None, timedelta(seconds=5)])
@pytest.mark.parametrize("driver", Driver)
def test_an_action_is_waited_for(driver: Driver, limit: timedelta | None) -> None:
    """It is not left: it is under way until its driver ends it or the time is over."""
    change = settled(Hold(driver, limit))
    assert (change.flow.state, change.flow.tm_execute, change.steps) == (State.WAITING, NOW, ())
    assert change.flow.wait == Wait(driver, LATER + limit if limit else None)


def test_a_block_waits_for_a_request() -> None:
    """It is not left."""
    change = settled(Block())
    assert (change.flow.state, change.flow.wait, change.flow.tm_execute, change.steps) == (State.BLOCKED, None, NOW, ())


def test_a_stop_is_done_and_ends_the_flow() -> None:
    """The current action is the finish action then."""
    change = settled(Finish(), current_action=Action(known("a"), "stop"))
    flow = change.flow
    assert (flow.state, flow.ended_reason, flow.fault) == (State.ENDED, EndedReason.STOP_ACTION, None)
    assert change.flow.current_action == FINISH_ACTION
    assert [step.result for step in change.steps] == [StepResult.DONE]


def test_a_fatal_failure_ends_the_flow() -> None:
    """The error names the action, which stays the current one."""
    change = settled(Failed("broken", fatal=True))
    assert (change.flow.state, change.flow.ended_reason) == (State.ERROR, EndedReason.ERROR)
    assert change.flow.fault is not None
    assert (change.flow.fault.action_id, change.flow.fault.type, change.flow.fault.message) == (
        known("a"),
        "empty",
        "broken",
    )
    assert change.flow.current_action.id == known("a")
    assert [(step.result, step.error) for step in change.steps] == [(StepResult.FAILED, "broken")]


@pytest.mark.parametrize(
    "outcome", [Continue({"k": "v"}), Jump(known("c"), {"k": "v"}), Hold(Driver.PUSH, None, {"k": "v"})], ids=repr
)
def test_an_outcome_brings_variables(outcome: Outcome) -> None:
    """They are set with it."""
    assert settled(outcome, variables={"old": "1"}).flow.variables == {"old": "1", "k": "v"}


TOO_LONG = {"k": "v" * 32_769}


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Jump(known("x")), TargetNotFound),
        (Jump(NIL), TargetNotFound),
        (Jump(known("finish")), TargetNotFound),
        (Continue(TOO_LONG), VariableLimit),
        (Jump(known("c"), TOO_LONG), VariableLimit),
        (Hold(Driver.PUSH, None, TOO_LONG), VariableLimit),
        (Push(known("S"), actions("x") * 9_998), StackTooDeep),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_outcome_that_cannot_be_applied(outcome: Outcome, error: type[FlowManagerError]) -> None:
    """Nothing has changed; the action fails by it."""
    with pytest.raises(error):
        settled(outcome)


WANTED = {("stop", EndedReason.STOP_ACTION), ("hangup", EndedReason.REFERENCE_ENDED)}


@pytest.mark.parametrize("action_type", ["talk", "stop", "hangup"])
@pytest.mark.parametrize("reason", EndedReason)
def test_an_end_leaves_the_action_under_way(reason: EndedReason, action_type: str) -> None:
    """It is done when the end is what it wanted, else interrupted."""
    flow = activeflow(cursor="main.a", current_action=Action(known("a"), action_type))
    change = machine.end(flow, reason, MOMENT)
    wanted = (action_type, reason) in WANTED
    assert [step.result for step in change.steps] == [StepResult.DONE if wanted else StepResult.INTERRUPTED]
    assert (change.flow.state, change.flow.ended_reason, change.flow.tm_end) == (State.ENDED, reason, LATER)


@pytest.mark.parametrize("reason", EndedReason)
def test_who_reached_the_end_stands_on_the_finish_action(reason: EndedReason) -> None:
    """Every other activeflow stays on the action where it was ended."""
    current = machine.end(activeflow(cursor="main.a"), reason, MOMENT).flow.current_action
    reached = reason in (EndedReason.FINISHED, EndedReason.STOP_ACTION)
    assert current.id == known("finish" if reached else "a")


def test_an_end_between_two_actions_leaves_none() -> None:
    """The last one is in the history already."""
    change = machine.end(activeflow(cursor="main.a", tm_execute=None), EndedReason.FINISHED, MOMENT)
    assert change.steps == ()


def test_an_end_with_a_message_is_an_error() -> None:
    """The message is in the fault and in the history."""
    change = machine.end(activeflow(cursor="main.a"), EndedReason.LIMIT_ITERATIONS, MOMENT, message="too many")
    assert change.flow.state is State.ERROR
    assert change.flow.fault is not None
    assert change.flow.fault.message == "too many"
    assert [step.error for step in change.steps] == ["too many"]


def test_an_ended_activeflow_waits_for_nothing() -> None:
    """Deadline, pending jump, owner and kept events are gone; frames and variables stay."""
    flow = activeflow(
        NESTED,
        "S.x",
        state=State.WAITING,
        wait=Wait(Driver.PUSH, LATER),
        forward=place("main.c"),
        owner=known("worker"),
        early_signals=(Signal(kind=SignalKind.DONE, cause="done"),),
        variables={"k": "v"},
    )
    ended = machine.end(flow, EndedReason.STOP_REQUEST, MOMENT).flow
    assert (ended.wait, ended.forward, ended.owner, ended.early_signals, ended.tm_execute) == (
        None,
        None,
        None,
        (),
        None,
    )
    assert (ended.stacks, ended.variables) == (flow.stacks, flow.variables)


@pytest.mark.parametrize("reason", EndedReason)
def test_an_ended_activeflow_stays_as_it_is(reason: EndedReason) -> None:
    """A second end changes neither reason nor history."""
    ended = machine.end(activeflow(cursor="main.a"), EndedReason.REFERENCE_ENDED, MOMENT).flow
    assert machine.end(ended, reason, MOMENT, message="again") == machine.Change(ended)
    with pytest.raises(ActiveflowEnded):
        machine.check_running(ended)


def test_a_running_activeflow_may_be_changed() -> None:
    """It is given back as it is."""
    flow = activeflow()
    assert machine.check_running(flow) is flow


def test_entering_an_action_drops_finished_frames() -> None:
    """The pending jump is made; the action that is executed has its substituted option."""
    flow = activeflow(NESTED, "T.z", forward=place("main.c"))
    raw = flow.stacks.action(place("main.c"))
    assert raw is not None
    shown = replace(raw, option={"text": "hello"})
    entered = machine.enter(flow, place("main.c"), shown, LATER)
    assert (entered.cursor, entered.forward, entered.tm_execute) == (place("main.c"), None, LATER)
    assert (entered.current_action, set(entered.stacks.frames)) == (shown, {MAIN})
    assert entered.stacks.action(place("main.c")) is raw


PUSHES: list[tuple[str, Activeflow, str]] = [
    ("before the start", activeflow("a b"), "x y a b"),
    ("in the middle", activeflow("a b", "main.a"), "x y b"),
    ("on the last action", activeflow("a b", "main.b"), "x y"),
    ("with next_id", activeflow("a>c b c", "main.a"), "x y c"),
    ("on an empty flow", activeflow(""), "x y"),
    ("in a frame", activeflow(NESTED, "T.z"), "x y y c"),
    ("with a pending jump", activeflow("a b c", "main.a", forward=place("main.c")), "x y c"),
    ("with a jump out of the frame", activeflow(NESTED, "S.x", forward=place("main.a")), "x y a b c"),
]


@pytest.mark.parametrize(("flow", "rest"), [case[1:] for case in PUSHES], ids=[case[0] for case in PUSHES])
def test_a_push_runs_next_and_nothing_is_lost(flow: Activeflow, rest: str) -> None:
    """Afterwards comes what would have come without it; a second push nests on top of the first."""
    once = machine.push(flow, known("P"), actions("x y"), limits=LIMITS)
    assert run_out(once) == ids(rest)
    assert run_out(machine.push(once, known("Q"), actions("z"), limits=LIMITS)) == ids(f"z {rest}")


def test_a_frame_that_is_there_is_not_pushed_again() -> None:
    """The repeat of a step does not push twice."""
    once = machine.push(activeflow(cursor="main.a"), known("P"), actions("x"), limits=LIMITS)
    assert machine.push(once, known("P"), actions("y"), limits=LIMITS) is once


@pytest.mark.parametrize(("depth", "total", "refused"), [(3, 9, False), (2, 9, True), (3, 8, True)])
def test_frames_and_actions_are_limited(depth: int, total: int, refused: bool) -> None:
    """Main and one frame are there, of eight actions in all; one more of one action comes."""
    flow = activeflow(stack_map("a b c d", S="main.b: x y z w"), "S.x")
    limits = Limits(stack_depth=depth, actions=total)
    if not refused:
        assert machine.push(flow, known("P"), actions("n"), limits=limits).stacks.depth(known("P")) == 2
        return
    with pytest.raises(StackTooDeep):
        machine.push(flow, known("P"), actions("n"), limits=limits)


def pushed(flow: Activeflow, **frames: str) -> Activeflow:
    """Return an activeflow with frames pushed in this order."""
    for name, inside in frames.items():
        flow = machine.push(flow, known(name), actions(inside), limits=LIMITS)
    return flow


JUMPS: list[tuple[str, Activeflow, str, str]] = [
    ("forward", activeflow("a b c", "main.a"), "c", "c"),
    ("back", activeflow("a b c", "main.c"), "a", "a b c"),
    ("to itself", activeflow("a b c", "main.b"), "b", "b c"),
    ("out of a frame", activeflow(NESTED, "T.z"), "b", "b c"),
    ("within a frame", activeflow(NESTED, "S.x"), "y", "y c"),
    ("to the start", activeflow("a b", "main.b"), "start", "a b"),
    ("past a pushed frame", pushed(activeflow("a b c", "main.a"), P="x y"), "c", "x y c"),
    ("past two of them", pushed(activeflow("a b c", "main.a"), P="x", Q="y"), "c", "y x c"),
    ("into a pushed frame", pushed(activeflow("a b c", "main.a"), P="x y"), "y", "y b c"),
    ("into the lower of two", pushed(activeflow("a b c", "main.a"), P="x z", Q="y"), "z", "y z b c"),
    ("a second jump counts", activeflow("a b c d", "main.a", forward=place("main.c")), "d", "d"),
    ("also into the frame that the first one leaves", activeflow(NESTED, "S.x", forward=place("main.a")), "y", "y c"),
]


@pytest.mark.parametrize(("flow", "target", "rest"), [case[1:] for case in JUMPS], ids=[case[0] for case in JUMPS])
def test_a_jump_makes_its_target_the_next(flow: Activeflow, target: str, rest: str) -> None:
    """Frames that were pushed and have not begun run before it."""
    assert run_out(machine.jump(flow, known(target))) == ids(rest)


@pytest.mark.parametrize("target", ["nil", "finish", "z", "nowhere"])
def test_a_target_that_cannot_be_reached(target: str) -> None:
    """Nothing is known by this id, or only further inside."""
    with pytest.raises(TargetNotFound):
        machine.jump(activeflow(NESTED, "S.x"), known(target))


def test_added_actions_run_behind_the_current_one() -> None:
    """And then its successors, also those that its next_id names."""
    flow = activeflow(stack_map("a b", S="main.a: x>z y z"), "S.x")
    assert run_out(machine.add_actions(flow, actions("m n"), limits=LIMITS)) == ids("m n z b")


def test_the_main_stack_is_not_extended() -> None:
    """It is the flow as it was stored."""
    with pytest.raises(MainStack):
        machine.add_actions(activeflow(cursor="main.a"), actions("m"), limits=LIMITS)


@pytest.mark.parametrize(("most", "refused"), [(7, False), (6, True)])
def test_added_actions_are_limited(most: int, refused: bool) -> None:
    """Six are there; one more comes."""
    flow, limits = activeflow(NESTED, "S.x"), Limits(actions=most)
    if not refused:
        assert len(run_out(machine.add_actions(flow, actions("m"), limits=limits))) == 3
        return
    with pytest.raises(StackTooDeep):
        machine.add_actions(flow, actions("m"), limits=limits)


RELEASES: list[tuple[str, Activeflow, str, str]] = [
    ("the cursor is in it", activeflow(NESTED, "S.x"), "S", "c"),
    ("the cursor is further inside", activeflow(NESTED, "T.z"), "S", "c"),
    ("only the inner one", activeflow(NESTED, "T.z"), "T", "y c"),
    ("it has not begun", pushed(activeflow("a b c", "main.a"), P="x y"), "P", "b c"),
    ("the upper of two that have not begun", pushed(activeflow("a b c", "main.a"), P="x", Q="y"), "Q", "x b c"),
    ("the lower one: both go", pushed(activeflow("a b c", "main.a"), P="x", Q="y"), "P", "b c"),
    ("a jump is pending inside", activeflow(NESTED, "T.z", forward=place("S.y")), "S", "c"),
    ("a jump is pending outside", activeflow(NESTED, "T.z", forward=place("main.a")), "S", "a b c"),
    ("it came before a pending jump", activeflow(stack_map("a b c", S="@main.a: x y"), "S.x"), "S", "a b c"),
    ("it is the last thing", activeflow(stack_map("a b", S="main.b: x y"), "S.x"), "S", ""),
    ("it is gone", activeflow(NESTED, "S.x"), "nowhere", "y c"),
]


@pytest.mark.parametrize(("flow", "service", "rest"), [case[1:] for case in RELEASES], ids=[c[0] for c in RELEASES])
def test_a_released_service_is_left(flow: Activeflow, service: str, rest: str) -> None:
    """The flow goes on behind it; a second release changes nothing."""
    released = machine.release(flow, known(service))
    assert released.stacks.holds(released.cursor)
    assert run_out(released) == ids(rest)
    assert machine.release(released, known(service)) is released


def test_the_main_stack_is_not_released() -> None:
    """It is no service's."""
    with pytest.raises(MainStack):
        machine.release(activeflow(), MAIN)


def test_actions_are_added_behind_a_released_service() -> None:
    """Also where a jump was pending when the service came."""
    flow = activeflow(stack_map("a b", S="main.a: x y", T="@S.y: z"), "T.z")
    added = machine.add_actions(machine.release(flow, known("T")), actions("m"), limits=LIMITS)
    assert run_out(added) == ids("y m b")


def test_two_changes_are_one() -> None:
    """Both histories, the later record."""
    first = settled(Continue())
    second = machine.settle(first.flow, Continue(), MOMENT, limits=LIMITS)
    both = first.then(second)
    assert (both.flow, [step.seq for step in both.steps]) == (second.flow, [0, 1])


outcomes = some.one_of(
    some.just(Continue()),
    some.just(Block()),
    some.just(Finish()),
    some.sampled_from([Jump(known("a")), Jump(known("c"), counted=True), Push(known("S"), actions("x"))]),
    some.builds(Hold, some.sampled_from(Driver)),
    some.builds(Failed, some.just("no"), some.booleans()),
)


@given(outcomes)
def test_an_outcome_leaves_waits_or_ends(outcome: Outcome) -> None:
    """The action is in the history exactly if it is not under way any more; the record says so."""
    change = settled(outcome)
    flow = change.flow
    assert (flow.tm_execute is None) is (len(change.steps) == 1)
    assert (flow.state in (State.WAITING, State.BLOCKED)) is (flow.tm_execute is not None)
    assert (flow.fault is not None) is (flow.state is State.ERROR)
    assert flow.executed_count == len(change.steps)


@given(outcomes, some.integers(0, 50))
def test_an_outcome_does_not_count_as_a_resume(outcome: Outcome, count: int) -> None:
    """Fence and turn are left to the orchestrator too."""
    turn = Turn(Driver.PULL, iterations=3)
    flow = settled(outcome, execute_count=count, fence=7, turn=turn).flow
    assert (flow.execute_count, flow.fence, flow.turn) == (count, 7, turn)


def test_a_counted_jump_is_counted_where_the_goto_stands() -> None:
    """In the frame of the cursor, not in that of the target."""
    flow = activeflow(stack_map("a b", S="main.a: x y"), "S.y")
    jumped = machine.settle(flow, Jump(known("b"), counted=True), MOMENT, limits=LIMITS).flow
    assert jumped.stacks.frames[known("S")].goto_counts == {known("y"): 1}
    assert jumped.forward == Place(MAIN, known("b"))
