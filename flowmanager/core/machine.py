"""The rules of an activeflow: which command is allowed when, where the cursor goes, what an outcome changes.

Everything that affects the state of an activeflow lives here and in `stacks`. Time and new ids come in as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from types import MappingProxyType
from typing import Any, assert_never

from flowmanager.core import details as noted
from flowmanager.core.action import FINISH_ACTION, Action
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, Fault, State, Step, StepResult, Wait
from flowmanager.core.details import Details
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import MAIN, NIL, Id
from flowmanager.core.limits import Limits
from flowmanager.core.outcomes import Block, Comparison, Continue, Failed, Finish, Hold, Jump, Outcome, Push
from flowmanager.core.stacks import Frame, Place, Return
from flowmanager.core.variables import merge
from flowmanager.errors import ActiveflowEnded, MainStack, StackTooDeep, StaleAction, TargetNotFound


class Command(StrEnum):
    """What resumes an activeflow."""

    EXECUTE = "execute"
    NEXT = "next"
    CONTINUE = "continue"
    SIGNAL = "signal"
    TIMER = "timer"
    FORWARD = "forward"


RESUMABLE: Mapping[tuple[State, Command], frozenset[Driver | None]] = {
    (State.CREATED, Command.EXECUTE): frozenset({None, Driver.TIMER}),
    (State.CREATED, Command.NEXT): frozenset({None}),
    (State.CREATED, Command.TIMER): frozenset({Driver.TIMER}),
    (State.WAITING, Command.NEXT): frozenset({Driver.PULL}),
    (State.WAITING, Command.SIGNAL): frozenset({Driver.PUSH, Driver.TIMER}),
    (State.WAITING, Command.TIMER): frozenset({Driver.PUSH, Driver.TIMER}),
    (State.WAITING, Command.FORWARD): frozenset({Driver.PUSH, Driver.TIMER}),
    (State.BLOCKED, Command.EXECUTE): frozenset({None}),
    (State.BLOCKED, Command.NEXT): frozenset({None}),
    (State.BLOCKED, Command.CONTINUE): frozenset({None}),
    (State.BLOCKED, Command.SIGNAL): frozenset({None}),
    (State.BLOCKED, Command.FORWARD): frozenset({None}),
}
"""Which command resumes which state, and whose wait it may end. A missing pair is stale."""


WANTS: Mapping[str, EndedReason] = {"stop": EndedReason.STOP_ACTION, "hangup": EndedReason.REFERENCE_ENDED}
"""Actions whose purpose is an end: that end completes them instead of interrupting them."""

NOTHING: Details = MappingProxyType({})


@frozen
class Moment:
    """When and why something happens."""

    now: datetime
    cause: str


@frozen
class Change:
    """The activeflow after a change and the history lines that the change wrote."""

    flow: Activeflow
    steps: tuple[Step, ...] = ()

    def then(self, other: Change) -> Change:
        """Return both changes as one."""
        return Change(other.flow, self.steps + other.steps)


def resume(flow: Activeflow, command: Command, moment: Moment, *, limits: Limits, seen: Id | None = None) -> Change:
    """Let a command resume an activeflow: it is executing then, or ended when it was resumed too often.

    `seen` is the action that the sender believes to be current. The action waited for is left, except for a signal:
    what that means is for the executor to say. Raises ActiveflowEnded and StaleAction.
    """
    if flow.over:
        raise ActiveflowEnded(activeflow_id=flow.id)
    drivers = RESUMABLE.get((flow.state, command), frozenset())
    if (flow.wait.driver if flow.wait else None) not in drivers:
        raise StaleAction(activeflow_id=flow.id, state=flow.state.value)
    if seen is not None and seen != flow.current_action.id:
        raise StaleAction(activeflow_id=flow.id, current_action_id=flow.current_action.id)
    if flow.execute_count >= limits.executions:
        message = f"resumed more than {limits.executions} times"
        return end(flow, EndedReason.LIMIT_EXECUTIONS, moment, message=message)
    resumed = flow.evolve(state=State.EXECUTING, wait=None, execute_count=flow.execute_count + 1)
    if flow.tm_execute is None or command is Command.SIGNAL:
        return Change(resumed)
    return leave(resumed, step_result(flow, command), moment)


def step_result(flow: Activeflow, command: Command) -> StepResult:
    """Return how a wait ended: a passed deadline of somebody else's work is a time-out, that of a timer its purpose."""
    if command is Command.TIMER and flow.wait is not None and flow.wait.driver is Driver.PUSH:
        return StepResult.TIMEOUT
    return StepResult.INTERRUPTED if command is Command.FORWARD else StepResult.DONE


def next_place(flow: Activeflow) -> Place | None:
    """Return where the flow goes on; None: it is finished."""
    return flow.forward or flow.stacks.following(flow.cursor)


def enter(flow: Activeflow, place: Place, action: Action, now: datetime) -> Activeflow:
    """Put the cursor on an action (with its substituted option). Frames that are finished are dropped."""
    return flow.evolve(
        cursor=place,
        forward=None,
        stacks=flow.stacks.prune(place.stack_id),
        current_action=action,
        tm_execute=now,
    )


def leave(flow: Activeflow, result: StepResult, moment: Moment, *, error: str = "", facts: Details = NOTHING) -> Change:
    """Write the current action into the history, with what was noted of it and these facts."""
    return left(flow, {}, (result, error), moment, facts)


def left(
    flow: Activeflow, changes: Mapping[str, Any], how: tuple[StepResult, str], moment: Moment, facts: Details
) -> Change:
    """The same with other changes of the record, notes among them: one copy of it instead of two."""
    (result, error), seq, nested = how, flow.executed_count, flow.cursor.stack_id != MAIN
    told = {**facts, "stack": flow.cursor.stack_id} if nested else facts
    details = noted.finished(changes.get("details", flow.details), seq, told)
    step = Step(seq, flow.current_action, result, moment.cause, error, flow.tm_execute, moment.now, details)
    return Change(flow.evolve(**{**changes, "executed_count": seq + 1, "tm_execute": None, "details": None}), (step,))


def note(flow: Activeflow, **facts: Any) -> Activeflow:
    """Note facts of the step under way, for traces."""
    return flow.evolve(details=noted.under_way(flow.details, flow.executed_count) | facts)


def hear(flow: Activeflow, event: str) -> Activeflow:
    """Note an event that came while a step was under way and did not end it."""
    if flow.tm_execute is None:
        return flow
    known = noted.under_way(flow.details, flow.executed_count)
    return flow.evolve(details=known | {"heard": noted.heard(known, event)})


def ask(flow: Activeflow, requests: Sequence[Details]) -> Activeflow:
    """Note requests that the step under way sent to other managers."""
    if not requests:
        return flow
    known = noted.under_way(flow.details, flow.executed_count)
    return flow.evolve(details=known | {"asked": noted.asked(known, requests)})


def begin_again(flow: Activeflow) -> Activeflow:
    """Note that the step under way is begun once more: its worker was lost."""
    known = noted.under_way(flow.details, flow.executed_count)
    return flow.evolve(details=known | {"attempts": known.get("attempts", 1) + 1})


def decided_by(comparison: Comparison | None) -> Details:
    """Return the fact of what an action decided by."""
    return {"condition": noted.condition(comparison)} if comparison else NOTHING


def settle(flow: Activeflow, outcome: Outcome, moment: Moment, *, limits: Limits) -> Change:
    """Apply what an executor answered. Raises TargetNotFound, StackTooDeep, VariableLimit: the action failed."""
    match outcome:
        case Continue(variables, because):
            changes = variables_set(flow, variables, limits=limits)
            return left(flow, changes, (StepResult.DONE, ""), moment, decided_by(because))
        case Jump(target_id, variables, counted, because):
            changed = set_variables(flow, variables, limits=limits)
            changed = count_goto(changed) if counted else changed
            facts = {"target": target_id, **decided_by(because)}
            return leave(jump(changed, target_id), StepResult.DONE, moment, facts=facts)
        case Push(stack_id, actions):
            pushed = push(flow, stack_id, actions, limits=limits)
            return leave(pushed, StepResult.DONE, moment, facts={"pushed": stack_id} if actions else NOTHING)
        case Hold(driver, limit, variables):
            until = moment.now + limit if limit is not None else None
            changed = note(set_variables(flow, variables, limits=limits), wait=noted.wait(driver.value, until))
            return Change(changed.evolve(state=State.WAITING, wait=Wait(driver, until)))
        case Block():
            return Change(flow.evolve(state=State.BLOCKED, wait=None))
        case Finish():
            return end(flow, EndedReason.STOP_ACTION, moment)
        case Failed(message, fatal):
            return fail(flow, message, moment) if fatal else leave(flow, StepResult.FAILED, moment, error=message)
        case _ as never:
            assert_never(never)


def fail(flow: Activeflow, message: str, moment: Moment) -> Change:
    """End an activeflow because its current action failed."""
    written = leave(flow, StepResult.FAILED, moment, error=message)
    return written.then(close(written.flow, EndedReason.ERROR, moment, message=message))


def end(flow: Activeflow, reason: EndedReason, moment: Moment, *, message: str = "") -> Change:
    """End an activeflow. An action that was not left yet goes into the history: done when it wanted the end."""
    if flow.over:
        return Change(flow)
    if flow.tm_execute is None:
        return close(flow, reason, moment, message=message)
    wanted = WANTS.get(flow.current_action.type) is reason
    result = StepResult.DONE if wanted else StepResult.INTERRUPTED
    written = leave(flow, result, moment, error=message)
    return written.then(close(written.flow, reason, moment, message=message))


def close(flow: Activeflow, reason: EndedReason, moment: Moment, *, message: str = "") -> Change:
    """Give the record its last form."""
    current = flow.current_action
    reached_end = reason in (EndedReason.FINISHED, EndedReason.STOP_ACTION)
    ended = flow.evolve(
        state=State.ERROR if message else State.ENDED,
        wait=None,
        owner=None,
        forward=None,
        early_signals=(),
        current_action=FINISH_ACTION if reached_end else current,
        ended_reason=reason,
        details=None,
        fault=Fault(current.id, current.type, message) if message else None,
        tm_execute=None,
        tm_end=moment.now,
    )
    return Change(ended)


def set_variables(flow: Activeflow, changes: Mapping[str, str], *, limits: Limits) -> Activeflow:
    """Change variables, and note which of them get another value. Raises VariableLimit."""
    return flow.evolve(**variables_set(flow, changes, limits=limits)) if changes else flow


def variables_set(flow: Activeflow, changes: Mapping[str, str], *, limits: Limits) -> dict[str, Any]:
    """Return the fields that are others when variables are changed. Raises VariableLimit."""
    if not changes:
        return {}
    merged = merge(flow.variables, changes, limits=limits)
    details = noted.under_way(flow.details, flow.executed_count)
    details["variables"] = noted.variables_changed(flow.variables, merged, changes, details)
    return {"variables": merged, "details": details if details["variables"] else flow.details}


def count_goto(flow: Activeflow) -> Activeflow:
    """Count one jump of the goto that the cursor stands on."""
    return flow.evolve(stacks=flow.stacks.count_goto(flow.cursor))


def push(flow: Activeflow, stack_id: Id, actions: tuple[Action, ...], *, limits: Limits) -> Activeflow:
    """Put a frame on top; it runs next and returns to what would have run. A frame that is there already stays.

    Raises StackTooDeep when frames or actions become too many.
    """
    if not actions or stack_id in flow.stacks.frames:
        return flow
    top = flow.forward.stack_id if flow.forward else flow.cursor.stack_id
    total = sum(len(frame.actions) for frame in flow.stacks.frames.values()) + len(actions)
    if flow.stacks.depth(top) + 1 >= limits.stack_depth or total > limits.actions:
        raise StackTooDeep(activeflow_id=flow.id, depth=flow.stacks.depth(top) + 1, actions=total)
    returns = Return(flow.forward, at=True) if flow.forward else Return(flow.cursor)
    frame = Frame(stack_id, actions, returns)
    return flow.evolve(stacks=flow.stacks.push(frame), forward=frame.first())


def jump(flow: Activeflow, target_id: Id) -> Activeflow:
    """Make a target the next action. Frames that were pushed and have not run yet run first, then the target.

    Raises TargetNotFound when the target is not in the top frame or one that it returns to.
    """
    pending = pending_frames(flow)
    top = pending[0].id if pending else flow.cursor.stack_id
    target = flow.stacks.find(top, target_id) if target_id != NIL else None
    if target is None:
        raise TargetNotFound(target_id=target_id)
    above = list(takewhile(lambda frame: frame.id != target.stack_id, pending))
    if not above:
        return flow.evolve(forward=target)
    lowest = replace(above[-1], returns=Return(target, at=True))
    return flow.evolve(stacks=flow.stacks.replace(lowest))


def pending_frames(flow: Activeflow) -> list[Frame]:
    """Return the frames that were pushed and have not been entered yet, topmost first."""
    if flow.forward is None:
        return []
    entered = {frame.id for frame in flow.stacks.chain(flow.cursor.stack_id)}
    return [frame for frame in flow.stacks.chain(flow.forward.stack_id) if frame.id not in entered]


def add_actions(flow: Activeflow, actions: tuple[Action, ...], *, limits: Limits) -> Activeflow:
    """Insert actions after the current one. Raises MainStack in the main stack, StackTooDeep for too many actions."""
    if flow.cursor.stack_id == MAIN:
        raise MainStack(activeflow_id=flow.id)
    total = sum(len(frame.actions) for frame in flow.stacks.frames.values()) + len(actions)
    if total > limits.actions:
        raise StackTooDeep(activeflow_id=flow.id, actions=total)
    return flow.evolve(stacks=flow.stacks.insert_after(flow.cursor, actions))


def release(flow: Activeflow, service_id: Id) -> Activeflow:
    """Release a service's frame and all nested in it, wherever the cursor is; the flow goes on behind the service.

    A frame that is not there (any more) changes nothing. Raises MainStack for the main frame.
    """
    if service_id == MAIN:
        raise MainStack(activeflow_id=flow.id)
    frame = flow.stacks.frames.get(service_id)
    if frame is None or frame.returns is None:
        return flow
    stacks = flow.stacks.without(service_id)
    back = frame.returns
    cursor = flow.cursor if flow.cursor.stack_id in stacks.frames else back.place
    forward = flow.forward if flow.forward and flow.forward.stack_id in stacks.frames else None
    if forward is None and back.at:
        forward = back.place
    return flow.evolve(stacks=stacks, cursor=cursor, forward=forward)


def check_running(flow: Activeflow) -> Activeflow:
    """Return the activeflow; raises ActiveflowEnded when it is over."""
    if flow.over:
        raise ActiveflowEnded(activeflow_id=flow.id)
    return flow
