"""A turn on the database: one transaction per pause; executors that talk to peers run between two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, TypeVar

import structlog

from flowmanager.core import machine
from flowmanager.core.action import BLOCK_ANSWER, FINISH_ACTION
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State, Turn
from flowmanager.core.ids import Id
from flowmanager.core.machine import Command, Moment
from flowmanager.core.outcomes import Continue, Failed, Hold, Jump, Outcome, Push
from flowmanager.core.signals import Signal
from flowmanager.core.suspension import postpone
from flowmanager.errors import (
    ActionFailed,
    ActiveflowEnded,
    ActiveflowNotFound,
    Answered,
    BrokerLost,
    ExecutorFault,
    FlowManagerError,
    InProgress,
    LimitReached,
    PeerError,
    StaleAction,
    StoreLost,
)
from flowmanager.executor import Completion, Executor, Task
from flowmanager.managers.managers import Managers
from flowmanager.orchestrator import record
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.fold import Fold, Progress, task_of, volume_of
from flowmanager.orchestrator.reactions import Reaction
from flowmanager.orchestrator.reference import ask_reference
from flowmanager.ports import Ask, Rpc, Transaction
from flowmanager.schemas.wire import action_wire

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """A command that resumes an activeflow."""

    activeflow_id: Id
    command: Command
    cause: str
    driver: Driver = Driver.PUSH
    seen: Id | None = None
    """The action that the sender believes to be current."""
    answered_early: bool = False
    """Answer as soon as the command is accepted, with no data."""


class Superseded(FlowManagerError):
    """The turn was stopped or taken over while its executor ran; its result is dropped."""

    def __init__(self, flow: Activeflow | None) -> None:
        self.by_another = flow is not None and not flow.over
        """Another worker goes on with the turn and gives its answer."""
        super().__init__()


@dataclass(frozen=True, slots=True)
class Turns:
    """Runs turns."""

    engine: Engine

    def resume(self, work: Work, resume: Resume) -> None:
        """Resume an activeflow and run it to its next pause.

        Raises ActiveflowNotFound, ActiveflowEnded and StaleAction; then nothing has changed.
        """
        progress = self.committed(work, resume.activeflow_id, partial(self.begin, work, resume))
        if resume.answered_early:
            work.reply_now()
        self.finish(work, progress)

    def react(self, work: Work, activeflow_id: Id, signal: Signal) -> bool:
        """Apply an event. Return whether it changed anything."""
        progress = self.committed(work, activeflow_id, partial(self.begin_reaction, work, activeflow_id, signal))
        if progress is None:
            return False
        self.finish(work, progress)
        return True

    def take_over(self, work: Work, activeflow_id: Id, *, owner: Id | None) -> None:
        """Go on with a turn whose worker is lost, unless another one than `owner` has it by now."""
        progress = self.committed(work, activeflow_id, partial(self.begin_take_over, work, activeflow_id, owner))
        if progress is not None:
            self.finish(work, progress)

    def committed(self, work: Work, activeflow_id: Id, begin: Callable[[Transaction], T]) -> T:
        """Commit the beginning of a turn. When the database is lost nobody knows whether it was: the sweeper looks."""
        try:
            return work.commit(begin)
        except StoreLost:
            self.engine.abandoned.add(activeflow_id)
            raise

    def begin(self, work: Work, resume: Resume, transaction: Transaction) -> Progress:
        """Check the command under the row lock and run the turn as far as memory goes."""
        flow = locked(transaction, resume.activeflow_id)
        fold = self.fold(transaction)
        if left_behind(work, flow):
            return self.store(work, transaction, self.taken_over(work, transaction, flow))
        if began(work, flow):
            raise InProgress(activeflow_id=flow.id)
        later = postpone(flow) if resume.command is Command.EXECUTE else None
        if later is not None:
            return self.postponed(work, transaction, later, resume)
        if resume.command is Command.TIMER and not due(flow, fold.now):
            raise StaleAction(activeflow_id=flow.id)
        cause = "on_complete" if starts_child(flow) else resume.cause
        moment = Moment(fold.now, cause)
        change = machine.resume(flow, resume.command, moment, limits=self.engine.limits, seen=resume.seen)
        turn = Turn(resume.driver, key=work.key, cause=cause)
        progress = Progress(flow=change.flow, turn=turn, steps=change.steps)
        if change.flow.over:
            progress = replace(progress, error=LimitReached(activeflow_id=flow.id, limit="executions"))
        if resume.answered_early:
            work.answer(transaction)
        progress = fold.run(progress)
        if progress.talks and not resume.answered_early:
            check_new(work, transaction)
        return self.store(work, transaction, progress)

    def postponed(self, work: Work, transaction: Transaction, flow: Activeflow, resume: Resume) -> Progress:
        """Accept an `execute` for an activeflow below another one: it takes effect when it comes on top."""
        work.answer(transaction)
        stored = record.save_silently(transaction, machine.Change(flow))
        return Progress(flow=stored, turn=Turn(resume.driver, cause=resume.cause))

    def begin_reaction(
        self, work: Work, activeflow_id: Id, signal: Signal, transaction: Transaction
    ) -> Progress | None:
        """Apply an event under the row lock and run the turn that it starts, as far as memory goes."""
        flow = transaction.lock_activeflow(activeflow_id)
        if flow is None or flow.over:
            return None
        fold = self.fold(transaction)
        if left_behind(work, flow):
            return self.store(work, transaction, self.taken_over(work, transaction, flow))
        turn = Turn(Driver.PUSH, key=work.key, cause=signal.cause)
        standing = Progress(flow=flow, turn=turn, unreported=record.untold(transaction, flow))
        try:
            progress = Reaction(fold).apply(standing, signal)
        except StaleAction:
            return None
        if progress is None:
            return None
        work.answer(transaction)
        if not progress.steps and not progress.flow.over and progress.flow.state is flow.state:
            record.save_silently(transaction, machine.Change(progress.flow))
            return replace(progress, task=None)
        return self.store(work, transaction, fold.run(progress))

    def begin_take_over(
        self, work: Work, activeflow_id: Id, owner: Id | None, transaction: Transaction
    ) -> Progress | None:
        """Claim a turn that was given up; None: somebody else did."""
        flow = transaction.lock_activeflow(activeflow_id)
        if flow is None or flow.state is not State.EXECUTING or flow.owner != owner:
            return None
        return self.store(work, transaction, self.taken_over(work, transaction, flow))

    def taken_over(self, work: Work, transaction: Transaction, flow: Activeflow) -> Progress:
        """Return an interrupted turn where it stood: its executor will run again, with the same keys."""
        self.engine.metrics.taken_over.inc()
        log.warning("turn_taken_over", activeflow_id=flow.id, action_id=flow.current_action.id, fence=flow.fence + 1)
        turn = flow.turn or Turn(Driver.PUSH)
        work.key, work.under_way = work.key or turn.key, True
        unreported = record.untold(transaction, flow)
        volume = sum(volume_of(step.action) for step in unreported)
        progress = Progress(flow=flow, turn=turn, unreported=unreported, volume=volume)
        fold = self.fold(transaction)
        executor = self.engine.executors.get(flow.current_action.type)
        if flow.tm_execute is None or executor is None:
            return fold.run(progress)
        return replace(progress, task=task_of(flow, executor, fold.now))

    def finish(self, work: Work, progress: Progress) -> None:
        """Alternate between executors that talk and transactions, until the turn pauses."""
        flow_id = progress.flow.id
        try:
            while progress.talks:
                work.under_way = True
                progress = self.talk(work, progress)
        except Superseded as error:
            log.info("turn_superseded", activeflow_id=flow_id, action_id=progress.flow.current_action.id)
            if work.done.body is None and progress.turn.driver is Driver.PULL:
                raise (InProgress if error.by_another else ActiveflowEnded)(activeflow_id=flow_id) from None
        except (BrokerLost, StoreLost):
            self.engine.abandoned.add(flow_id)
            raise
        except Exception as error:
            log.exception("turn_failed", activeflow_id=flow_id)
            work.commit(partial(self.give_up, work, progress, error))

    def give_up(self, work: Work, progress: Progress, error: Exception, transaction: Transaction) -> None:
        """End an activeflow whose turn cannot be stored or settled: nobody would ever execute it again."""
        flow = self.mine(progress, transaction)
        known = error if isinstance(error, FlowManagerError) else ExecutorFault()
        change = machine.fail(flow, known.sentence, Moment(transaction.now(), progress.turn.cause))
        ended = replace(progress, task=None, asks_reference=False, error=known, flow=change.flow, steps=change.steps)
        self.store(work, transaction, ended)

    def talk(self, work: Work, progress: Progress) -> Progress:
        """Do what the turn needs from outside, then go on with it."""
        if progress.task is not None:
            return self.ask_peers(work, progress, progress.task)
        text = ask_reference(work, progress.flow)
        return work.commit(partial(self.go_on, work, replace(progress, reference=text, asks_reference=False)))

    def go_on(self, work: Work, progress: Progress, transaction: Transaction) -> Progress:
        """Run the turn on with the reference's data."""
        flow = self.mine(progress, transaction)
        return self.store(work, transaction, self.fold(transaction).run(replace(progress, flow=flow, steps=())))

    def ask_peers(self, work: Work, progress: Progress, task: Task) -> Progress:
        """Execute one action that asks peers, then settle it."""
        executor = self.engine.executors[task.action.type]
        keep = partial(self.keep_answers, work, progress)
        journal = Journal(work.rpc, keep, list(progress.turn.answers), len(progress.turn.answers))
        managers = Managers.of(journal, self.engine.store, task.key, web=self.engine.web)
        started = monotonic()
        result = self.attempt(partial(self.perform, executor, task, managers))
        if isinstance(result, Push) and result.follow_up is not None:
            result = self.attempt(partial(self.push_and_follow, work, progress, result, journal))
        self.engine.metrics.action_duration.labels(executor.name).observe((monotonic() - started) * 1000)
        return work.commit(partial(self.carry_on, work, progress, result))

    def perform(self, executor: Executor, task: Task, managers: Managers) -> Outcome:
        """Run an executor that talks, or have call-manager carry out a caller action."""
        if executor.run is not None:
            return executor.run(task, managers)
        flow = task.activeflow
        managers.call.perform(flow.reference_id, flow.id, task.action)
        self.engine.metrics.action_dispatch.labels("call", executor.name).inc()
        if executor.completion(task.option) is Completion.AT_ONCE:
            return Continue()
        limit = executor.limit(task.option)
        longest = timedelta(seconds=self.engine.media_wait_seconds)
        return Hold(Driver.PUSH, longest if limit is None else limit + timedelta(seconds=self.engine.grace_seconds))

    def attempt(self, run: Callable[[], Any]) -> Any:
        """Return what an executor answers, or the error that it fails with; our own losses are not its failures."""
        try:
            return run()
        except (BrokerLost, StoreLost, Superseded):
            raise
        except FlowManagerError as error:
            return error
        except Exception:
            log.exception("executor_failed")
            return ExecutorFault()

    def push_and_follow(self, work: Work, progress: Progress, push: Push, journal: Journal) -> Outcome:
        """Store a pushed frame, then tell the peer that it is there.

        A repeated step stored it before; the service may be over and its frame gone by now.
        """
        if not journal.stored:
            work.commit(partial(self.push_first, progress, push, journal.answers))
            journal.kept = len(journal.answers)
        if push.follow_up is not None:
            push.follow_up()
        return Continue()

    def keep_answers(self, work: Work, progress: Progress, answers: list[Any]) -> None:
        """Store what peers answered so far in a step."""
        work.commit(partial(self.write_answers, progress, answers))

    def write_answers(self, progress: Progress, answers: list[Any], transaction: Transaction) -> None:
        """Store answers with the turn."""
        flow = self.mine(progress, transaction)
        turn = replace(flow.turn or progress.turn, answers=tuple(answers))
        record.save_silently(transaction, machine.Change(flow.evolve(turn=turn)))

    def push_first(self, progress: Progress, push: Push, answers: list[Any], transaction: Transaction) -> None:
        """Store a pushed frame before the peer is told that it is there."""
        flow = self.mine(progress, transaction)
        turn = replace(flow.turn or progress.turn, answers=tuple(answers))
        pushed = machine.push(flow, push.stack_id, push.actions, limits=self.engine.limits)
        record.save_silently(transaction, machine.Change(pushed.evolve(turn=turn)))

    def carry_on(
        self, work: Work, progress: Progress, result: Outcome | FlowManagerError, transaction: Transaction
    ) -> Progress:
        """Settle what an executor answered and run the turn on. Raises Superseded when the turn is not ours."""
        flow = self.mine(progress, transaction)
        fold = self.fold(transaction)
        moved = flow.cursor != progress.flow.cursor
        progress = replace(progress, flow=flow, task=None, steps=())
        if isinstance(result, FlowManagerError):
            progress = fold.failed(progress, result)
        else:
            progress = fold.settle(progress, without_move(result) if moved else result)
        progress = Reaction(fold).replay(progress)
        return self.store(work, transaction, fold.run(progress))

    def mine(self, progress: Progress, transaction: Transaction) -> Activeflow:
        """Lock the activeflow of a turn. Raises Superseded when it was stopped or taken over."""
        flow = transaction.lock_activeflow(progress.flow.id)
        if flow is None or flow.state is not State.EXECUTING or flow.fence != progress.flow.fence:
            raise Superseded(flow)
        return flow

    def store(self, work: Work, transaction: Transaction, progress: Progress) -> Progress:
        """Store a turn: as under way when an executor must talk now, else with its event and its answer."""
        work.draft.notes.append(partial(self.count, progress))
        change = machine.Change(progress.flow, progress.steps)
        if progress.talks:
            return self.store_under_way(transaction, progress)
        change = machine.Change(progress.flow.evolve(owner=None, turn=None), progress.steps)
        flow = record.save(transaction, work, change, unreported=progress.unreported)
        if progress.turn.driver is Driver.PULL:
            self.answer(work, transaction, replace(progress, flow=flow))
        return replace(progress, flow=flow, steps=())

    def store_under_way(self, transaction: Transaction, progress: Progress) -> Progress:
        """Store that this worker executes the activeflow: from here on a crash is recoverable."""
        fence = progress.flow.fence + 1
        flow = progress.flow.evolve(fence=fence, owner=self.engine.worker_id, turn=progress.turn)
        flow = record.save_silently(transaction, machine.Change(flow, progress.steps))
        return replace(progress, flow=flow, steps=(), unreported=(*progress.unreported, *progress.steps))

    def answer(self, work: Work, transaction: Transaction, progress: Progress) -> None:
        """Fix what `next` answers: the action to perform, the finish action, the block placeholder, or an error."""
        flow, error = progress.flow, progress.error
        if error is not None:
            work.refuse(transaction, error if isinstance(error, LimitReached) else refusal(flow, error))
        elif flow.ended_reason is EndedReason.LIMIT_ITERATIONS:
            work.refuse(transaction, LimitReached(activeflow_id=flow.id, limit="iterations"))
        elif flow.state in (State.BLOCKED, State.SUSPENDED):
            work.answer(transaction, action_wire(BLOCK_ANSWER))
        else:
            work.answer(transaction, action_wire(FINISH_ACTION if flow.over else flow.current_action))

    def count(self, progress: Progress) -> None:
        """Count the actions that a transaction executed."""
        metrics = self.engine.metrics
        for step in progress.steps:
            metrics.action_executed.labels(step.action.type).inc()
        if progress.error is not None:
            metrics.action_error.labels(progress.flow.fault.type if progress.flow.fault else "").inc()
        if not progress.talks:
            kind = progress.flow.reference_type.value
            metrics.activeflow_iterations.labels(kind).observe(progress.turn.iterations)

    def fold(self, transaction: Transaction) -> Fold:
        """Return the loop of a turn inside a transaction."""
        return Fold(self.engine.executors, self.engine.limits, transaction, transaction.now())


@dataclass(slots=True)
class Journal:
    """The Rpc of one step that may ask several peers: their answers are kept, so a repeat asks only for the rest."""

    rpc: Rpc
    keep: Callable[[list[Any]], None]
    answers: list[Any]
    kept: int
    """How many answers are stored."""
    asked: int = 0

    @property
    def stored(self) -> bool:
        """Say whether every question so far has a stored answer."""
        return 0 < self.asked <= self.kept

    def call(self, ask: Ask) -> Any:
        """Return a stored answer, else store those so far and ask."""
        self.asked += 1
        if self.asked <= len(self.answers):
            return self.answers[self.asked - 1]
        if len(self.answers) > self.kept:
            self.keep(self.answers)
            self.kept = len(self.answers)
        answer = self.rpc.call(ask)
        self.answers.append(answer)
        return answer


def locked(transaction: Transaction, activeflow_id: Id) -> Activeflow:
    """Lock an activeflow. Raises ActiveflowNotFound."""
    flow = transaction.lock_activeflow(activeflow_id)
    if flow is None:
        raise ActiveflowNotFound(activeflow_id=activeflow_id)
    return flow


def without_move(outcome: Outcome) -> Outcome:
    """Return what is left of an outcome when the cursor was moved meanwhile: its variables."""
    kept = outcome.variables if isinstance(outcome, Continue | Jump | Hold) else {}
    return outcome if isinstance(outcome, Failed) else Continue(kept)


def due(flow: Activeflow, now: datetime) -> bool:
    """Say whether the deadline of a wait has passed."""
    return flow.wait is not None and flow.wait.until is not None and flow.wait.until <= now


def starts_child(flow: Activeflow) -> bool:
    """Say whether this is the start of an on-complete child, by whomever."""
    return flow.after_reference and flow.state is State.CREATED


def check_new(work: Work, transaction: Transaction) -> None:
    """Raise Answered for the repeat of a request that was answered.

    The current action does not tell: a flow that loops comes back to the same action. Where the answer is stored at
    once the database refuses a second one; a turn that asks peers first has to look.
    """
    if work.key and transaction.get_answer(work.key) is not None:
        raise Answered(key=work.key)


def left_behind(work: Work, flow: Activeflow) -> bool:
    """Say whether the broker delivers the message again that began the turn under way: its first worker is lost."""
    return work.redelivered and began(work, flow)


def began(work: Work, flow: Activeflow) -> bool:
    """Say whether this very request began the turn that is under way."""
    same = flow.turn is not None and bool(work.key) and flow.turn.key == work.key
    return same and flow.state is State.EXECUTING


def refusal(flow: Activeflow, error: FlowManagerError) -> FlowManagerError:
    """Return what the caller is told of a failed action: the peer's own error where it gave one, else ours."""
    if isinstance(error, PeerError) and error.typed:
        return error
    action = flow.fault
    return ActionFailed(
        f"the action failed: {error.sentence}",
        activeflow_id=flow.id,
        action_id=action.action_id if action else "",
        type=action.type if action else "",
    )
