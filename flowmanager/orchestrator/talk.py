"""Executing one action that asks other managers, outside any transaction, so that it can be repeated after a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

import structlog

from flowmanager.core import machine
from flowmanager.core.activeflow import Driver
from flowmanager.core.details import Details
from flowmanager.core.frozen import frozen
from flowmanager.core.masking import shown_text, shown_tree
from flowmanager.core.outcomes import Continue, Hold, Outcome, Push
from flowmanager.errors import BrokerLost, ExecutorFault, FlowManagerError, StoreLost
from flowmanager.executor import Completion, Executor, Task
from flowmanager.managers.managers import Managers
from flowmanager.orchestrator import record
from flowmanager.orchestrator.claims import Superseded, mine
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.fold import Progress
from flowmanager.ports import Ask, Rpc, Transaction

log = structlog.get_logger()


@frozen
class Talked:
    """How talking went: what the executor answers or fails with, and the requests it sent, as traces tell them."""

    result: Outcome | FlowManagerError
    requests: Sequence[Details]


@dataclass(slots=True)
class Journal:
    """The Rpc of one step that may ask several peers: their answers are kept, so a repeat asks only for the rest."""

    rpc: Rpc
    keep: Callable[[list[Any]], None]
    answers: list[Any]
    kept: int
    """How many answers are stored."""
    asked: int = 0
    requests: list[Details] = field(default_factory=list)
    """What was asked, as traces tell it."""

    @property
    def stored(self) -> bool:
        """Say whether every question so far has a stored answer."""
        return 0 < self.asked <= self.kept

    def call(self, ask: Ask) -> Any:
        """Return a stored answer, else store those so far and ask."""
        self.asked += 1
        if self.asked <= len(self.answers):
            self.requests.append({**told(ask, self.answers[self.asked - 1]), "kept": True})
            return self.answers[self.asked - 1]
        if len(self.answers) > self.kept:
            self.keep(self.answers)
            self.kept = len(self.answers)
        answer = self.timed(ask)
        self.answers.append(answer)
        return answer

    def timed(self, ask: Ask) -> Any:
        """Ask, and note what came of it and how long it took."""
        started, facts = monotonic(), told(ask, None)
        try:
            answer = self.rpc.call(ask)
            facts = told(ask, answer)
        except FlowManagerError as error:
            facts |= {"error": error.sentence}
            raise
        finally:
            self.requests.append({**facts, "ms": round((monotonic() - started) * 1000, 1)})
        return answer


def told(ask: Ask, answer: Any) -> dict[str, Any]:
    """Return a request and its answer as traces tell them."""
    facts = {"peer": ask.peer, "method": ask.method, "uri": shown_text(ask.uri)}
    return facts if answer is None else {**facts, "answer": shown_tree(answer, depth=2)}


@frozen
class Talk:
    """Runs executors that ask other managers."""

    engine: Engine

    def ask(self, work: Work, progress: Progress, task: Task) -> Talked:
        """Execute one action that asks peers. Raises Superseded."""
        executor = self.engine.executors[task.action.type]
        keep = partial(self.keep_answers, work, progress)
        journal = Journal(work.rpc, keep, list(progress.turn.answers), len(progress.turn.answers))
        managers = Managers.of(journal, self.engine.store, task.key, web=self.engine.web)
        started = monotonic()
        with self.engine.tracer.span(f"execute {executor.name}", action_id=task.action.id), self.engine.waiting():
            result = self.attempt(partial(self.perform, executor, task, managers))
            if isinstance(result, Push) and result.follow_up is not None:
                result = self.attempt(partial(self.push_and_follow, work, progress, result, journal))
        self.engine.metrics.action_duration.labels(executor.name).observe((monotonic() - started) * 1000)
        return Talked(result, journal.requests)

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
        flow = mine(progress, transaction)
        turn = replace(flow.turn or progress.turn, answers=tuple(answers))
        record.save_silently(transaction, machine.Change(flow.evolve(turn=turn)))

    def push_first(self, progress: Progress, push: Push, answers: list[Any], transaction: Transaction) -> None:
        """Store a pushed frame before the peer is told that it is there."""
        flow = mine(progress, transaction)
        turn = replace(flow.turn or progress.turn, answers=tuple(answers))
        pushed = machine.push(flow, push.stack_id, push.actions, limits=self.engine.limits)
        pushed = machine.note(pushed, pushed=push.stack_id)
        record.save_silently(transaction, machine.Change(pushed.evolve(turn=turn)))
