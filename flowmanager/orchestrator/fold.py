"""One turn in memory: run action after action until one must talk to a peer, the flow pauses, or it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from flowmanager.core import machine
from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State, Step, StepResult, Turn, Wait
from flowmanager.core.evolving import Evolving
from flowmanager.core.frozen import frozen
from flowmanager.core.limits import Limits
from flowmanager.core.machine import Change, Moment
from flowmanager.core.outcomes import Continue, Failed, Outcome
from flowmanager.core.stacks import Place
from flowmanager.core.suspension import rest
from flowmanager.core.variables import REFERENCE_DATA, Variables, names_in, substitute_option
from flowmanager.errors import ExecutorFault, FlowManagerError, InvalidActionType
from flowmanager.executor import Executor, Kind, Media, OnError, Task, allowed, unfit
from flowmanager.orchestrator.option_text import OptionText, checked_option, option_text, substituted_part
from flowmanager.ports import Flows

log = structlog.get_logger()


@frozen(slots=False, kw_only=True)
class Progress(Evolving):
    """A turn as far as it has come."""

    flow: Activeflow
    turn: Turn
    steps: tuple[Step, ...] = ()
    """Steps of this transaction, not stored yet."""
    unreported: tuple[Step, ...] = ()
    """Steps of earlier transactions that no event has told."""
    volume: int = 0
    """Bytes of the options of all steps so far."""
    task: Task | None = None
    """What must be executed outside the transaction; None: the turn is over."""
    reference: str | None = None
    """The reference's data, once they were asked for."""
    asks_reference: bool = False
    """The next action needs the reference's data, which are asked for outside the transaction."""
    error: FlowManagerError | None = None
    """Why the flow ended, when an action ended it."""

    @property
    def talks(self) -> bool:
        """Say whether something must be done outside the transaction before the turn goes on."""
        return self.task is not None or self.asks_reference

    def with_change(self, change: Change) -> Progress:
        """Return the turn after a change, for which nobody outside need be asked."""
        return self.evolve(flow=change.flow, steps=self.steps + change.steps, task=None)


@frozen
class Fold:
    """The loop of a turn: everything it needs to run actions in memory."""

    executors: Mapping[str, Executor]
    limits: Limits
    flows: Flows
    now: datetime

    def moment(self, progress: Progress) -> Moment:
        """Return time and cause for the history."""
        return Moment(self.now, progress.turn.cause)

    def run(self, progress: Progress) -> Progress:
        """Go on from an executing activeflow until the turn pauses. One that was covered meanwhile goes no further."""
        while progress.flow.state is State.EXECUTING and not progress.talks and not progress.flow.covered:
            progress = self.step(progress)
        pauses = progress.flow.covered and not progress.flow.over and not progress.talks
        return progress.evolve(flow=rest(progress.flow, self.now)) if pauses else progress

    def step(self, progress: Progress) -> Progress:
        """Move to the next action and run it as far as that is possible here."""
        place = machine.next_place(progress.flow)
        action = progress.flow.stacks.action(place) if place else None
        if place is None or action is None:
            return progress.with_change(machine.end(progress.flow, EndedReason.FINISHED, self.moment(progress)))
        text = option_text(action)
        if text.has_placeholders and progress.reference is None and self.asks_reference(progress.flow, action):
            return progress.evolve(asks_reference=True)
        if progress.turn.iterations >= self.limits.iterations or progress.volume > self.limits.turn_bytes:
            message = self.excess(progress)
            ended = machine.end(progress.flow, EndedReason.LIMIT_ITERATIONS, self.moment(progress), message=message)
            return progress.with_change(ended)
        return self.enter(progress, place, text)

    def excess(self, progress: Progress) -> str:
        """Say what the turn has too much of."""
        if progress.turn.iterations >= self.limits.iterations:
            return f"more than {self.limits.iterations} actions without a pause"
        return f"more than {self.limits.turn_bytes} bytes of options without a pause"

    def asks_reference(self, flow: Activeflow, action: Action) -> bool:
        """Say whether an action that will run refers to the reference's data."""
        executor = self.executors.get(action.type)
        runs = executor is not None and allowed(executor.media, flow)
        return runs and needs_reference(substituted_part(action.option or {}), flow.variables)

    def enter(self, progress: Progress, place: Place, raw: OptionText) -> Progress:
        """Put the cursor on an action and run it."""
        flow, turn = machine.enter(progress.flow, place, raw.action, self.now), progress.turn.entered()
        try:
            executor = executor_of(self.executors, raw.action.type)
            if executor.media is not Media.ANY and not allowed(executor.media, flow):
                return self.skipped(progress.evolve(flow=flow, turn=turn), executor)
            live = raw
            if raw.has_placeholders or raw.length > self.limits.option_characters:
                live = option_text(self.substituted(raw.action, progress))
                flow = flow.evolve(current_action=live.action)
            progress = progress.evolve(flow=flow, turn=turn, volume=progress.volume + live.volume)
            return self.execute(progress, executor, live)
        except FlowManagerError as error:
            return self.failed(progress.evolve(flow=flow, turn=turn), error)

    def skipped(self, progress: Progress, executor: Executor) -> Progress:
        """Leave the current action, which this activeflow cannot run."""
        flow = progress.flow
        facts = {"skipped": unfit(executor.media, flow)}
        change = machine.leave(flow, StepResult.SKIPPED, self.moment(progress), facts=facts)
        return progress.evolve(volume=progress.volume + option_text(flow.current_action).volume).with_change(change)

    def substituted(self, raw: Action, progress: Progress) -> Action:
        """Return an action with its placeholders replaced. Raises VariableLimit."""
        limit = self.limits.option_characters
        return replace(raw, option=substitute_option(raw.option, values_of(progress), limit=limit))

    def execute(self, progress: Progress, executor: Executor, live: OptionText) -> Progress:
        """Run a pure executor; hand a caller action out; leave what must talk for outside the transaction."""
        kind = executor.kind
        if kind is Kind.CALLER and progress.turn.driver is Driver.PULL:
            return progress.evolve(flow=progress.flow.evolve(state=State.WAITING, wait=Wait(Driver.PULL)))
        task = task_of(progress.flow, executor, live, self.now)
        if kind is Kind.TALKING or executor.run is None:
            return progress.evolve(task=task)
        if kind is Kind.READING:
            return self.settle(progress, executor.run(task, self.flows))
        return self.settle(progress, decided(executor, task))

    def settle(self, progress: Progress, outcome: Outcome) -> Progress:
        """Apply an outcome, then the events that came while the executor ran."""
        try:
            change = machine.settle(progress.flow, outcome, self.moment(progress), limits=self.limits)
        except FlowManagerError as error:
            return self.failed(progress, error)
        return progress.with_change(change)

    def failed(self, progress: Progress, error: FlowManagerError) -> Progress:
        """Let the current action fail as its type's policy says; an unknown type ends the flow."""
        executor = self.executors.get(progress.flow.current_action.type)
        fatal = executor is None or executor.on_error is OnError.END_FLOW
        outcome = Failed(error.sentence, fatal)
        change = machine.settle(progress.flow, outcome, self.moment(progress), limits=self.limits)
        return progress.with_change(change).evolve(error=error if fatal else None)


def values_of(progress: Progress) -> Variables:
    """Return the variables by which options are substituted."""
    if progress.reference is None:
        return progress.flow.variables
    return {REFERENCE_DATA: progress.reference, **progress.flow.variables}


def needs_reference(tree: Any, variables: Variables) -> bool:
    """Say whether a JSON value refers to the reference's data and no stored variable has that name."""
    return REFERENCE_DATA not in variables and REFERENCE_DATA in names_in(tree)


def executor_of(executors: Mapping[str, Executor], action_type: str) -> Executor:
    """Return the executor of an action type. Raises InvalidActionType."""
    found = executors.get(action_type)
    if found is None:
        raise InvalidActionType(f"not supported action type: {action_type}", type=action_type)
    return found


def decided(executor: Executor, task: Task) -> Outcome:
    """Return what a pure executor decides. A fault in it is a failure of the action, not of the request."""
    try:
        return executor.run(task) if executor.run else Continue()
    except FlowManagerError:
        raise
    except Exception as error:
        log.exception("executor_failed", action_type=executor.name)
        raise ExecutorFault from error


def task_of(flow: Activeflow, executor: Executor, action: OptionText, now: datetime) -> Task:
    """Return the current action as a task. Raises InvalidRequest when its option does not fit."""
    return Task(activeflow=flow, action=action.action, option=checked_option(executor.option, action), now=now)
