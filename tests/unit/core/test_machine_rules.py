"""Any sequence of commands, compared with a simpler account of what must still run."""

from __future__ import annotations

from itertools import count

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flowmanager.core import machine
from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State
from flowmanager.core.ids import MAIN, START, Id
from flowmanager.core.limits import Limits
from flowmanager.core.machine import Command
from flowmanager.core.outcomes import Continue, Hold
from flowmanager.core.stacks import StackMap
from flowmanager.errors import ActiveflowEnded, MainStack, StackTooDeep, TargetNotFound
from tests.unit.core.builders import FLOW, MOMENT, NOW, known, run_out
from tests.unit.core.reference import Layer, Reference

FEW = Limits(stack_depth=5, actions=40, executions=1000)
sizes = some.integers(1, 3)


class Commands(RuleBasedStateMachine):
    """An activeflow and the account of it; every action has an id of its own, so that each can be followed."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = count()
        self.begin(3)

    def begin(self, size: int) -> None:
        """Start an activeflow of some actions."""
        actions = self.actions(size)
        self.flow = Activeflow(id=FLOW, stacks=StackMap.of(actions), state=State.EXECUTING)
        self.reference = Reference([Layer(MAIN, [action.id for action in actions])])
        self.met: list[Id] = []
        self.executed = 0

    def actions(self, size: int) -> tuple[Action, ...]:
        """Return actions with new ids."""
        return tuple(Action(known(f"action {next(self.numbers)}"), "empty") for _ in range(size))

    @property
    def running(self) -> bool:
        """Say whether the flow has not ended."""
        return not self.flow.over

    @precondition(lambda self: not self.running)
    @rule(size=some.integers(0, 4))
    def start_again(self, size: int) -> None:
        """Another activeflow, possibly without actions."""
        self.begin(size)

    @precondition(lambda self: self.running)
    @rule()
    def step(self) -> None:
        """The next action runs and is done; without one the flow ends."""
        expected, here = self.reference.step(), machine.next_place(self.flow)
        action = self.flow.stacks.action(here) if here else None
        assert (action.id if action else None) == expected
        if here is None or action is None:
            self.flow = machine.end(self.flow, EndedReason.FINISHED, MOMENT).flow
            return
        change = machine.settle(machine.enter(self.flow, here, action, NOW), Continue(), MOMENT, limits=FEW)
        assert [(step.seq, step.action) for step in change.steps] == [(self.executed, action)]
        self.flow, self.executed = change.flow, self.executed + 1

    @precondition(lambda self: self.running)
    @rule(size=some.integers(0, 3))
    def push(self, size: int) -> None:
        """Push a frame, also on top of frames that have not begun; or be refused because of the depth."""
        actions, stack_id = self.actions(size), known(f"frame {next(self.numbers)}")
        top = self.flow.forward.stack_id if self.flow.forward else self.flow.cursor.stack_id
        stored = sum(len(frame.actions) for frame in self.flow.stacks.frames.values())
        try:
            self.flow = machine.push(self.flow, stack_id, actions, limits=FEW)
        except StackTooDeep:
            assert self.flow.stacks.depth(top) == 4 or stored + size > 40
            return
        if actions:
            self.reference.push(stack_id, [action.id for action in actions])

    @precondition(lambda self: self.running)
    @rule(data=some.data())
    def jump(self, data: some.DataObject) -> None:
        """Jump to any action there is, reachable or not."""
        ids = sorted({action.id for frame in self.flow.stacks.frames.values() for action in frame.actions})
        target_id = data.draw(some.sampled_from([*ids, known("nowhere")]))
        try:
            self.flow = machine.jump(self.flow, target_id)
        except TargetNotFound:
            assert not self.reference.jump(target_id)
            return
        assert self.reference.jump(target_id)

    @precondition(lambda self: self.running)
    @rule(size=sizes)
    def add_actions(self, size: int) -> None:
        """Insert behind the current action; refused in the main frame and when there are too many."""
        actions, here = self.actions(size), self.flow.cursor
        try:
            self.flow = machine.add_actions(self.flow, actions, limits=FEW)
        except MainStack:
            assert here.stack_id == MAIN
        except StackTooDeep:
            assert sum(len(frame.actions) for frame in self.flow.stacks.frames.values()) + size > 40
        else:
            self.reference.insert(here.stack_id, here.action_id, [action.id for action in actions])

    @precondition(lambda self: self.running and len(self.flow.stacks.frames) > 1)
    @rule(data=some.data())
    def release(self, data: some.DataObject) -> None:
        """Release any frame, wherever the cursor is; again changes nothing."""
        stack_id = data.draw(some.sampled_from(sorted(set(self.flow.stacks.frames) - {MAIN})))
        self.flow = machine.release(self.flow, stack_id)
        self.reference.release(stack_id)
        assert machine.release(self.flow, stack_id) is self.flow

    @precondition(lambda self: self.running)
    @rule(value=some.text(max_size=5), resumes=some.booleans())
    def wait(self, value: str, resumes: bool) -> None:
        """Waits, resumes and variables have nothing to do with the order."""
        held = machine.settle(self.flow, Hold(Driver.PULL, None, {"name": value}), MOMENT, limits=FEW).flow
        assert held.variables["name"] == value
        change = machine.resume(held, Command.NEXT, MOMENT, limits=FEW) if resumes else machine.Change(self.flow)
        self.flow, self.executed = change.flow, self.executed + len(change.steps)

    @precondition(lambda self: self.running and self.executed > 5)
    @rule()
    def stop(self) -> None:
        """End it."""
        self.flow = machine.end(self.flow, EndedReason.STOP_REQUEST, MOMENT).flow
        assert self.flow.over

    @precondition(lambda self: not self.running)
    @rule(command=some.sampled_from(Command), reason=some.sampled_from(EndedReason))
    def touch_an_ended_one(self, command: Command, reason: EndedReason) -> None:
        """Nothing changes it any more."""
        assert machine.end(self.flow, reason, MOMENT) == machine.Change(self.flow)
        for refused in (machine.check_running, lambda flow: machine.resume(flow, command, MOMENT, limits=FEW)):
            try:
                refused(self.flow)
            except ActiveflowEnded:
                continue
            raise AssertionError("an ended activeflow was touched")

    @invariant()
    def the_cursor_is_on_an_existing_place(self) -> None:
        """So is a pending jump."""
        assert self.flow.stacks.holds(self.flow.cursor)
        if self.flow.forward is not None:
            assert self.flow.stacks.action(self.flow.forward) is not None

    @invariant()
    def main_is_never_dropped(self) -> None:
        """Nor does it return anywhere."""
        assert self.flow.stacks.frames[MAIN].returns is None

    @invariant()
    def frames_return_to_existing_places(self) -> None:
        """And are not nested deeper than allowed."""
        for stack_id, frame in self.flow.stacks.frames.items():
            assert frame.returns is None or self.flow.stacks.holds(frame.returns.place)
            assert self.flow.stacks.depth(stack_id) < FEW.stack_depth

    @invariant()
    def the_history_only_grows(self) -> None:
        """One line for each action that was left."""
        assert self.flow.executed_count == self.executed

    @invariant()
    def what_would_run_is_what_should(self) -> None:
        """No pushed action is lost, none comes twice or too early."""
        if self.running:
            assert run_out(self.flow) == self.reference.remaining

    @invariant()
    def before_the_start_no_action_has_begun(self) -> None:
        """Only the main frame has a place before its first action to stand on."""
        assert self.flow.cursor.action_id != START or self.flow.cursor.stack_id == MAIN


TestCommands = Commands.TestCase
TestCommands.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
