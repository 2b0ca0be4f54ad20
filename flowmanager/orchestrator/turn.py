"""A turn on the database: one transaction per pause; executors that talk to peers run between two of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import structlog

from flowmanager.core import machine
from flowmanager.core.action import BLOCK_ANSWER, FINISH_ACTION
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State, Turn
from flowmanager.core.details import SPAN
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.machine import Command, Moment
from flowmanager.core.outcomes import Continue, Failed, Hold, Jump, Outcome
from flowmanager.core.signals import Signal
from flowmanager.core.suspension import postpone
from flowmanager.errors import (
    ActionFailed,
    ActiveflowEnded,
    BrokerLost,
    ExecutorFault,
    FlowManagerError,
    InProgress,
    LimitReached,
    PeerError,
    StaleAction,
    StoreLost,
)
from flowmanager.orchestrator import record
from flowmanager.orchestrator.claims import Superseded, began, check_new, due, left_behind, locked, mine, starts_child
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.fold import Fold, Progress, task_of
from flowmanager.orchestrator.option_text import option_text
from flowmanager.orchestrator.reactions import Reaction
from flowmanager.orchestrator.reference import ask_reference
from flowmanager.orchestrator.talk import Talk, Talked
from flowmanager.ports import Transaction
from flowmanager.schemas.wire import action_wire

log = structlog.get_logger()

T = TypeVar("T")

RESTING = (State.WAITING, State.BLOCKED)


@frozen(kw_only=True)
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


@frozen
class Turns:
    """Runs turns."""

    engine: Engine
    talks: Talk

    def resume(self, work: Work, resume: Resume) -> None:
        """Resume an activeflow and run it to its next pause.

        Raises ActiveflowNotFound, ActiveflowEnded and StaleAction; then nothing has changed.
        """
        with self.engine.tracer.span("turn", activeflow_id=resume.activeflow_id, cause=resume.cause):
            progress = self.committed(work, resume.activeflow_id, partial(self.begin, work, resume))
            if resume.answered_early:
                self.kept_up(work.reply_now, resume.activeflow_id)
            self.finish(work, progress)

    def react(self, work: Work, activeflow_id: Id, signal: Signal) -> bool:
        """Apply an event. Return whether it changed anything."""
        with self.engine.tracer.span("turn", activeflow_id=activeflow_id, cause=signal.cause):
            progress = self.committed(work, activeflow_id, partial(self.begin_reaction, work, activeflow_id, signal))
            if progress is None:
                return False
            self.finish(work, progress)
            return True

    def take_over(self, work: Work, activeflow_id: Id, *, owner: Id | None) -> None:
        """Go on with a turn whose worker is lost, unless another one than `owner` has it by now."""
        with self.engine.tracer.span("turn", activeflow_id=activeflow_id, cause="take_over"):
            progress = self.committed(work, activeflow_id, partial(self.begin_take_over, work, activeflow_id, owner))
            if progress is not None:
                self.finish(work, progress)

    def committed(self, work: Work, activeflow_id: Id, begin: Callable[[Transaction], T]) -> T:
        """Commit the beginning of a turn. When the database is lost nobody knows whether it was: the sweeper looks."""
        try:
            return work.commit(begin, on=activeflow_id)
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
        self.engine.tracer.follow(waited_in(flow))
        turn = Turn(resume.driver, key=work.key, cause=cause)
        progress = Progress(flow=change.flow, turn=turn, steps=change.steps)
        if change.flow.over:
            progress = progress.evolve(error=LimitReached(activeflow_id=flow.id, limit="executions"))
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
        self.engine.tracer.follow(waited_in(flow))
        work.answer(transaction)
        if not progress.steps and not progress.flow.over and progress.flow.state is flow.state:
            record.save_silently(transaction, machine.Change(progress.flow))
            return progress.evolve(task=None)
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
        volume = sum(option_text(step.action).volume for step in unreported)
        progress = Progress(flow=flow, turn=turn, unreported=unreported, volume=volume)
        fold = self.fold(transaction)
        executor = self.engine.executors.get(flow.current_action.type)
        if flow.tm_execute is None or executor is None:
            return fold.run(progress)
        progress = progress.evolve(flow=machine.begin_again(flow))
        return progress.evolve(task=task_of(flow, executor, option_text(flow.current_action), fold.now))

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
            self.kept_up(partial(work.commit, partial(self.give_up, work, progress, error)), flow_id)

    def kept_up(self, act: Callable[[], object], activeflow_id: Id) -> None:
        """Do something in the middle of a turn; when that breaks off, the sweeper goes on with the turn.

        Its message may never come again: a broker that is restarted forgets those that it was not to keep.
        """
        try:
            act()
        except (BrokerLost, StoreLost):
            self.engine.abandoned.add(activeflow_id)
            raise

    def give_up(self, work: Work, progress: Progress, error: Exception, transaction: Transaction) -> None:
        """End an activeflow whose turn cannot be stored or settled: nobody would ever execute it again."""
        flow = mine(progress, transaction)
        known = error if isinstance(error, FlowManagerError) else ExecutorFault()
        change = machine.fail(flow, known.sentence, Moment(transaction.now(), progress.turn.cause))
        ended = progress.evolve(task=None, asks_reference=False, error=known, flow=change.flow, steps=change.steps)
        self.store(work, transaction, ended)

    def talk(self, work: Work, progress: Progress) -> Progress:
        """Do what the turn needs from outside, then go on with it."""
        if progress.task is not None:
            talked = self.talks.ask(work, progress, progress.task)
            return work.commit(partial(self.carry_on, work, progress, talked), on=progress.flow.id)
        text = ask_reference(work, progress.flow)
        return work.commit(
            partial(self.go_on, work, progress.evolve(reference=text, asks_reference=False)), on=progress.flow.id
        )

    def go_on(self, work: Work, progress: Progress, transaction: Transaction) -> Progress:
        """Run the turn on with the reference's data."""
        flow = mine(progress, transaction)
        return self.store(work, transaction, self.fold(transaction).run(progress.evolve(flow=flow, steps=())))

    def carry_on(self, work: Work, progress: Progress, talked: Talked, transaction: Transaction) -> Progress:
        """Settle what an executor answered and run the turn on. Raises Superseded when the turn is not ours."""
        flow = mine(progress, transaction)
        fold = self.fold(transaction)
        moved = flow.cursor != progress.flow.cursor
        progress = progress.evolve(flow=machine.ask(flow, talked.requests), task=None, steps=())
        result = talked.result
        if isinstance(result, FlowManagerError):
            progress = fold.failed(progress, result)
        else:
            progress = fold.settle(progress, without_move(result) if moved else result)
        progress = Reaction(fold).replay(progress)
        return self.store(work, transaction, fold.run(progress))

    def store(self, work: Work, transaction: Transaction, progress: Progress) -> Progress:
        """Store a turn: as under way when an executor must talk now, else with its event and its answer."""
        work.draft.notes.append(partial(self.count, progress))
        change = machine.Change(progress.flow, progress.steps)
        if progress.talks:
            return self.store_under_way(transaction, progress)
        rests = self.engine.tracer.current() if progress.flow.state in RESTING else ""
        rested = machine.note(progress.flow, **{SPAN: rests}) if rests else progress.flow
        change = machine.Change(rested.evolve(owner=None, turn=None), progress.steps)
        flow = record.save(transaction, work, change, unreported=progress.unreported)
        if progress.turn.driver is Driver.PULL:
            self.answer(work, transaction, progress.evolve(flow=flow))
        return progress.evolve(flow=flow, steps=())

    def store_under_way(self, transaction: Transaction, progress: Progress) -> Progress:
        """Store that this worker executes the activeflow: from here on a crash is recoverable."""
        fence = progress.flow.fence + 1
        flow = progress.flow.evolve(fence=fence, owner=self.engine.worker_id, turn=progress.turn)
        flow = record.save_silently(transaction, machine.Change(flow, progress.steps))
        return progress.evolve(flow=flow, steps=(), unreported=(*progress.unreported, *progress.steps))

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
        kinds = [step.action.type for step in progress.steps]
        for kind in set(kinds):
            metrics.action_executed.labels(kind).inc(kinds.count(kind))
        if progress.error is not None:
            metrics.action_error.labels(progress.flow.fault.type if progress.flow.fault else "").inc()
        if not progress.talks:
            reference = progress.flow.reference_type.value
            metrics.activeflow_iterations.labels(reference).observe(progress.turn.iterations)

    def fold(self, transaction: Transaction) -> Fold:
        """Return the loop of a turn inside a transaction."""
        return Fold(self.engine.executors, self.engine.limits, transaction, transaction.now())


def waited_in(flow: Activeflow) -> str:
    """Return the span in which a wait began; empty: it was not traced."""
    return str((flow.details or {}).get(SPAN, ""))


def without_move(outcome: Outcome) -> Outcome:
    """Return what is left of an outcome when the cursor was moved meanwhile: its variables."""
    kept = outcome.variables if isinstance(outcome, Continue | Jump | Hold) else {}
    return outcome if isinstance(outcome, Failed) else Continue(kept)


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
