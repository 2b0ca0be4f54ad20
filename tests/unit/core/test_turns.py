"""Whole turns in memory: gotos, limits, policies and the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, ReferenceType, State, StepResult, Turn
from flowmanager.core.limits import Limits
from flowmanager.core.outcomes import Block, Outcome
from flowmanager.core.stacks import Frame, Return, StackMap
from flowmanager.executor import Executor, Kind, Media, OnError, Task, executor, step_key
from flowmanager.executors.branch import branch
from flowmanager.executors.empty import empty
from flowmanager.executors.goto import goto
from flowmanager.executors.stop import stop
from flowmanager.executors.talk import talk
from flowmanager.executors.variable_set import variable_set
from flowmanager.orchestrator.fold import Fold, Progress
from tests.fakes import FlowShelf
from tests.unit.core.builders import FLOW, NOW, known, place, stack_map


@executor("block", media=Media.ANY)
def block(task: Task) -> Outcome:
    """Wait."""
    del task
    return Block()


TALKING = Executor(name="talking", kind=Kind.TALKING)
QUIET = Executor(name="quiet", kind=Kind.PURE, media=Media.NON_RTC, on_error=OnError.CONTINUE)
EXECUTORS = {one.name: one for one in (block, branch, empty, goto, stop, talk, variable_set, TALKING, QUIET)}


def action(name: str, action_type: str, **option: Any) -> Action:
    """Return an action; options named `target…` are given as words."""
    targets = {key: known(value) if key.startswith("target_id") else value for key, value in option.items()}
    return Action(known(name), action_type, targets or None)


def run(
    *actions: Action, driver: Driver = Driver.PUSH, limits: Limits | None = None, iterations: int = 0, **flow: Any
) -> Progress:
    """Return how far a turn comes with these actions."""
    started = Activeflow(id=FLOW, stacks=StackMap.of(actions), state=State.EXECUTING, reference_type=ReferenceType.CALL)
    fold = Fold(EXECUTORS, limits or Limits(), FlowShelf(), NOW)
    turn = Turn(driver, cause="test", iterations=iterations)
    return fold.run(Progress(flow=started.evolve(**flow), turn=turn))


def told(progress: Progress) -> list[tuple[str, str]]:
    """Return type and result of every action of the history."""
    return [(step.action.type, step.result.value) for step in progress.steps]


def rounds(progress: Progress, name: str) -> int:
    """Return how often an action was run."""
    return sum(step.action.id == known(name) for step in progress.steps)


@pytest.mark.parametrize(("given_count", "expected"), [(1, 1), (3, 3), (0, 0), (-2, 0), (50.0, 50)])
def test_a_goto_jumps_exactly_so_often(given_count: float, expected: int) -> None:
    """Then it is passed."""
    progress = run(
        action("a", "empty"), action("g", "goto", target_id="a", loop_count=given_count), action("z", "empty")
    )
    assert (rounds(progress, "a"), rounds(progress, "g"), rounds(progress, "z")) == (expected + 1, expected + 1, 1)
    assert progress.flow.ended_reason is EndedReason.FINISHED


@pytest.mark.parametrize("option", [{}, {"loop_count": None}])
def test_a_goto_without_count_has_no_end_of_its_own(option: Mapping[str, Any]) -> None:
    """The turn's limit ends it: a thousand actions, five hundred of them gotos."""
    progress = run(action("a", "empty"), action("g", "goto", target_id="a", **option))
    assert (rounds(progress, "a"), rounds(progress, "g")) == (500, 500)
    assert (progress.flow.state, progress.flow.ended_reason) == (State.ERROR, EndedReason.LIMIT_ITERATIONS)
    assert progress.flow.fault is not None
    assert progress.flow.fault.message == "more than 1000 actions without a pause"


def test_a_gotos_counter_is_that_of_its_frame() -> None:
    """An inner loop counts anew whenever its frame is pushed anew, and a counter lasts as long as its frame."""
    loop = (action("a", "empty"), action("g", "goto", target_id="a", loop_count=1))
    outer = Frame(known("main"), (*loop, action("z", "empty")), goto_counts={known("g"): 1})
    inner = Frame(known("S"), loop, Return(place("main.start")))
    stacks = StackMap({outer.id: outer, inner.id: inner})
    progress = run(stacks=stacks, cursor=place("S.start"))
    assert (rounds(progress, "a"), rounds(progress, "g"), rounds(progress, "z")) == (3, 3, 1)


@given(some.integers(-3, 6), some.integers(-3, 6))
def test_nested_loops_count_together(inner: int, outer: int) -> None:
    """The inner counter is not set back by the outer loop: both are gotos of one frame."""
    progress = run(
        action("a", "empty"),
        action("i", "goto", target_id="a", loop_count=inner),
        action("o", "goto", target_id="a", loop_count=outer),
    )
    assert rounds(progress, "a") == 1 + max(inner, 0) + max(outer, 0)


@pytest.mark.parametrize(("size", "reason"), [(1000, EndedReason.FINISHED), (1001, EndedReason.LIMIT_ITERATIONS)])
def test_a_turn_has_at_most_a_thousand_actions(size: int, reason: EndedReason) -> None:
    """The thousand and first is not run."""
    progress = run(*(action(f"a{number}", "empty") for number in range(size)))
    assert (progress.flow.ended_reason, len(progress.steps)) == (reason, 1000)


def test_the_limit_is_that_of_the_turn_not_of_the_transaction() -> None:
    """What was executed before a peer was asked counts."""
    progress = run(action("a", "empty"), action("b", "empty"), limits=Limits(iterations=5), iterations=4)
    assert told(progress) == [("empty", "done")]
    assert progress.flow.ended_reason is EndedReason.LIMIT_ITERATIONS


def test_the_history_has_no_gaps() -> None:
    """Each line has number, cause, begin and end."""
    progress = run(*(action(name, "empty") for name in "abc"))
    assert [(step.seq, step.action.id) for step in progress.steps] == [(n, known(word)) for n, word in enumerate("abc")]
    assert {(step.cause, step.tm_execute, step.tm_end) for step in progress.steps} == {("test", NOW, NOW)}
    assert progress.flow.executed_count == 3


ENDS: list[tuple[str, tuple[Action, ...], list[tuple[str, str]], str | None]] = [
    ("the last action", (action("a", "empty"),), [("empty", "done")], "finished"),
    ("no action", (), [], "finished"),
    ("stop", (action("a", "stop"), action("b", "empty")), [("stop", "done")], "stop_action"),
    ("block", (action("a", "block"), action("b", "empty")), [], None),
    (
        "not allowed",
        (action("a", "quiet"), action("b", "stop")),
        [("quiet", "skipped"), ("stop", "done")],
        "stop_action",
    ),
    ("a harmless failure", (action("a", "variable_set", key="k", value=5),), [("variable_set", "failed")], "finished"),
    ("a fatal failure", (action("a", "goto", target_id="x"), action("b", "empty")), [("goto", "failed")], "error"),
    ("a wrong option", (action("a", "goto", loop_count="many"),), [("goto", "failed")], "error"),
    ("an unknown type", (action("a", "dance"),), [("dance", "failed")], "error"),
    ("no target", (action("a", "branch"),), [("branch", "failed")], "error"),
]


@pytest.mark.parametrize(("actions", "lines", "reason"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
def test_how_a_turn_ends(actions: tuple[Action, ...], lines: list[tuple[str, str]], reason: str | None) -> None:
    """History and reason say it; a fatal error is kept for the answer."""
    progress = run(*actions)
    assert told(progress) == lines
    assert progress.flow.ended_reason == reason
    assert (progress.error is not None) is (reason == "error")


@pytest.mark.parametrize(("driver", "handed_out"), [(Driver.PULL, True), (Driver.PUSH, False)])
def test_a_caller_action_is_handed_out_or_sent(driver: Driver, handed_out: bool) -> None:
    """Who asked for it waits with it; else it is to be sent."""
    progress = run(action("a", "talk", text="${name}"), driver=driver, variables={"name": "Ada"})
    assert (progress.flow.state is State.WAITING, progress.task is None) == (handed_out, handed_out)
    assert progress.flow.current_action.option == {"text": "Ada"}
    assert progress.flow.tm_execute == NOW


def test_an_action_that_talks_is_left_to_the_orchestrator() -> None:
    """Its key is the same whenever the step is repeated, and another for another step."""
    progress = run(action("a", "empty"), action("b", "talking"), action("c", "empty"))
    assert progress.task is not None
    assert (progress.task.action.id, progress.task.key) == (known("b"), step_key(progress.flow))
    assert step_key(progress.flow) != step_key(progress.flow.evolve(executed_count=0))


def test_a_loop_substitutes_anew() -> None:
    """The stored option keeps its placeholders: the second round sees the new value."""
    progress = run(
        action("a", "variable_set", key="seen", value="${seen}x"),
        action("g", "goto", target_id="a", loop_count=2),
    )
    assert progress.flow.variables == {"seen": "xxx"}
    stored = progress.flow.stacks.action(place("main.a"))
    assert stored is not None
    assert stored.option == {"key": "seen", "value": "${seen}x"}


def test_an_inserted_text_is_not_evaluated() -> None:
    """What somebody else wrote is text."""
    variables = {"message": "${secret}", "secret": "s"}
    progress = run(action("a", "variable_set", key="copy", value="${message}"), variables=variables)
    assert progress.flow.variables["copy"] == "${secret}"


def test_an_option_that_grows_too_large_fails() -> None:
    """As the action's policy says."""
    option = {"key": "k", "value": "${v}${v}"}
    progress = run(action("a", "variable_set", **option), variables={"v": "x" * 6}, limits=Limits(option_characters=12))
    assert told(progress) == [("variable_set", "failed")]


def test_one_that_was_covered_goes_no_further() -> None:
    """It rests before its next action; one that ends meanwhile has ended."""
    resting = run(action("a", "empty"), covered=True)
    assert (resting.flow.state, resting.steps) == (State.SUSPENDED, ())
    over = run(action("a", "empty"), covered=True, state=State.ENDED)
    assert over.flow.state is State.ENDED


def test_an_action_that_needs_the_reference_is_not_entered_without() -> None:
    """The reference's data are asked for once, unless a stored variable has their name or the action is skipped."""
    talk_of_it = action("a", "variable_set", key="k", value="${voipbin.flow.reference_data}")
    asking = run(talk_of_it)
    assert (asking.asks_reference, asking.talks, asking.flow.cursor) == (True, True, place("main.start"))
    fold = Fold(EXECUTORS, Limits(), FlowShelf(), NOW)
    done = fold.run(replace(asking, reference="{}", asks_reference=False))
    assert done.flow.variables == {"k": "{}"}
    stored = run(talk_of_it, variables={"voipbin.flow.reference_data": "own"})
    assert stored.flow.variables["k"] == "own"
    assert not run(action("a", "quiet", text="${voipbin.flow.reference_data}")).asks_reference


def test_a_frame_is_left_when_it_is_finished() -> None:
    """It is gone from the record then."""
    frames = stack_map("a b", S="main.a: x")
    progress = run(stacks=frames, cursor=place("S.start"), current_action=Action(known("x")))
    assert [step.action.id for step in progress.steps] == [known("x"), known("b")]
    assert set(progress.flow.stacks.frames) == {known("main")}


@given(some.lists(some.sampled_from(["empty", "stop", "block", "quiet", "dance", "talk", "talking"]), max_size=8))
def test_a_turn_pauses_ends_or_talks(types: list[str]) -> None:
    """There is no other way out, and the history has one line for each action that was left."""
    progress = run(*(action(f"a{number}", name) for number, name in enumerate(types)), driver=Driver.PULL)
    flow = progress.flow
    assert flow.over or flow.state in (State.WAITING, State.BLOCKED) or progress.task is not None
    assert [step.seq for step in progress.steps] == list(range(flow.executed_count))
    assert (flow.tm_end is not None) is flow.over
    assert all(step.result is not StepResult.INTERRUPTED for step in progress.steps)
