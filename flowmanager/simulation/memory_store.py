"""A store in memory with a clock of its own: what MySQL does for the program, without time and without threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from flowmanager.core.activeflow import Activeflow, Stamp, State, Step
from flowmanager.core.flow import Flow
from flowmanager.core.ids import Id
from flowmanager.errors import AlreadyExists, Answered
from flowmanager.ports import STEPS_FOR_EACH, Message, Page, Purged, Transaction
from flowmanager.simulation.clock import Clock

T = TypeVar("T")

ANSWER_TIME = timedelta(seconds=600)
TIMED = (State.WAITING, State.CREATED)
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass
class Tables:
    """All rows."""

    flows: dict[Id, Flow] = field(default_factory=dict)
    activeflows: dict[Id, Activeflow] = field(default_factory=dict)
    steps: dict[Id, tuple[Step, ...]] = field(default_factory=dict)
    outbox: dict[int, tuple[Message, datetime]] = field(default_factory=dict)
    answers: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    workers: dict[Id, datetime] = field(default_factory=dict)
    sequence: int = 0

    def snapshot(self) -> Tables:
        """Return a copy that can be changed without changing this one."""
        return replace(self, **{name: copy(value) for name, value in vars(self).items()})


class MemoryTransaction:
    """One transaction on a copy of the tables."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self.tables = tables
        self._clock = clock
        self.touched: set[Id] = set()
        """Activeflows that are locked or new."""

    def now(self) -> datetime:
        """Return the time."""
        return self._clock.now

    def insert_flow(self, flow: Flow) -> None:
        """Store a new flow. Raises AlreadyExists."""
        if flow.id in self.tables.flows:
            raise AlreadyExists(id=flow.id)
        self.tables.flows[flow.id] = flow

    def get_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow that has not expired."""
        flow = self.tables.flows.get(flow_id)
        return flow if flow and not (flow.tm_expire and flow.tm_expire <= self.now()) else None

    def lock_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow."""
        return self.get_flow(flow_id)

    def update_flow(self, flow: Flow) -> None:
        """Store a changed flow."""
        self.tables.flows[flow.id] = flow

    def list_flows(self, page: Page) -> list[Flow]:
        """Return stored flows."""
        stored = [flow for flow in self.tables.flows.values() if flow.persist]
        return newest_first(matching(stored, page))[: page.size]

    def count_flows(self, customer_id: Id) -> int:
        """Count a customer's flows."""
        flows = self.tables.flows.values()
        return sum(flow.persist and flow.customer_id == customer_id and not flow.tm_delete for flow in flows)

    def insert_activeflow(self, activeflow: Activeflow) -> None:
        """Store a new activeflow. Raises AlreadyExists."""
        if activeflow.id in self.tables.activeflows:
            raise AlreadyExists(id=activeflow.id)
        self.tables.activeflows[activeflow.id] = activeflow
        self.touched.add(activeflow.id)

    def get_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow."""
        return self.tables.activeflows.get(activeflow_id)

    def get_with_steps(self, activeflow_id: Id) -> tuple[Activeflow, list[Step]] | None:
        """Return an activeflow with its history."""
        found = self.get_activeflow(activeflow_id)
        return (found, self.get_steps([activeflow_id])[activeflow_id]) if found else None

    def unchanged(self, activeflow_id: Id, stamp: Stamp) -> bool:  # noqa: ARG002 (several changes have one time here)
        """Nobody can say by its times, and to read it again costs nothing."""
        return False

    def lock_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow."""
        found = self.get_activeflow(activeflow_id)
        if found:
            self.touched.add(activeflow_id)
        return found

    def save_activeflow(self, activeflow: Activeflow) -> None:
        """Store a changed activeflow. Raises KeyError when it is not locked."""
        if activeflow.id not in self.touched:
            raise KeyError(activeflow.id)
        self.tables.activeflows[activeflow.id] = activeflow

    def list_activeflows(self, page: Page) -> list[Activeflow]:
        """Return activeflows."""
        return newest_first(matching(self.tables.activeflows.values(), page))[: page.size]

    def running_by_reference(self, reference_id: Id) -> list[Id]:
        """Return the ids of a reference's activeflows that are not over, oldest first."""
        return [one.id for one in reversed(self._running(reference_id))]

    def lock_by_reference(self, reference_id: Id) -> list[Activeflow]:
        """Return a reference's activeflows that are not over, newest first."""
        found = self._running(reference_id)
        self.touched |= {one.id for one in found}
        return found

    def _running(self, reference_id: Id) -> list[Activeflow]:
        every = self.tables.activeflows.values()
        return newest_first(one for one in every if one.reference_id == reference_id and not one.over)

    def append_steps(self, activeflow_id: Id, steps: Sequence[Step]) -> None:
        """Append to the history; a number that is taken is a mistake."""
        known = self.tables.steps.get(activeflow_id, ())
        assert not {step.seq for step in known} & {step.seq for step in steps}
        self.tables.steps[activeflow_id] = (*known, *steps)

    def get_steps(self, activeflow_ids: Sequence[Id], *, since: int = 0) -> dict[Id, list[Step]]:
        """Return the histories, without details."""
        return {key: [replace(step, details=None) for step in self._since(key, since)] for key in activeflow_ids}

    def get_trace(self, activeflow_id: Id, *, since: int, until: int) -> list[Step]:
        """Return a part of a history."""
        return [step for step in self._since(activeflow_id, since) if step.seq < until]

    def _since(self, activeflow_id: Id, since: int) -> list[Step]:
        return sorted_steps(step for step in self.tables.steps.get(activeflow_id, ()) if step.seq >= since)

    def add_messages(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox."""
        for message in messages:
            self.tables.sequence += 1
            self.tables.outbox[self.tables.sequence] = (message, self.now())

    def get_answer(self, key: str) -> bytes | None:
        """Return a kept answer."""
        kept = self.tables.answers.get(key)
        return kept[0] if kept else None

    def add_answer(self, key: str, body: bytes) -> None:
        """Keep an answer. Raises Answered."""
        if key in self.tables.answers:
            raise Answered(key=key)
        self.tables.answers[key] = (body, self.now() + ANSWER_TIME)


class MemoryStore:
    """Implements Store and Upkeep. A transaction happens at once: nobody sees the middle of it."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.tables = Tables()

    def run(self, work: Callable[[Transaction], T], *, on: Id | None = None) -> T:  # noqa: ARG002 (there is one thread)
        """Commit when `work` returns, forget everything when it raises."""
        transaction = MemoryTransaction(self.tables.snapshot(), self.clock)
        result = work(transaction)
        self.tables = transaction.tables
        self.committed(transaction)
        return result

    def committed(self, transaction: MemoryTransaction) -> None:
        """Do what somebody wants to do after each transaction: nothing."""

    def look(self, work: Callable[[Transaction], T]) -> T:
        """Read."""
        return work(MemoryTransaction(self.tables.snapshot(), self.clock))

    def get_answer(self, key: str) -> bytes | None:
        """Return a kept answer."""
        kept = self.tables.answers.get(key)
        return kept[0] if kept else None

    def unpublished(self, activeflow_ids: Sequence[Id]) -> list[Message]:
        """Return the messages of these records in commit order."""
        rows = sorted(self.tables.outbox.items())
        return [message for _, (message, _) in rows if message.activeflow_id in activeflow_ids]

    def published(self, messages: Sequence[Message]) -> None:
        """Take messages out."""
        ids = {message.id for message in messages}
        rows = self.tables.outbox.items()
        self.tables.outbox = {key: row for key, row in rows if row[0].id not in ids}

    def heartbeat(self, worker_id: Id) -> None:
        """Say that a worker lives."""
        self.tables.workers[worker_id] = self.clock.now

    def due(self, *, limit: int) -> list[Id]:
        """Return activeflows whose deadline has passed."""
        waits = ((one.wait.until, one) for one in self.tables.activeflows.values() if one.wait and one.state in TIMED)
        passed = sorted((until, one.id) for until, one in waits if until and until <= self.clock.now)
        return [key for _, key in passed][:limit]

    def next_deadline(self) -> datetime | None:
        """Return when the next wait has passed its deadline; None: nothing waits for the clock."""
        waits = (one.wait for one in self.tables.activeflows.values() if one.wait and one.state in TIMED)
        return min((wait.until for wait in waits if wait.until), default=None)

    def orphans(self, *, seconds: float, limit: int) -> list[tuple[Id, Id | None]]:
        """Return activeflows whose owner is silent."""
        oldest = self.clock.now - timedelta(seconds=seconds)
        executing = (one for one in self.tables.activeflows.values() if one.state is State.EXECUTING)
        silent = [
            (one.id, one.owner) for one in executing if self.tables.workers.get(one.owner or "", EARLIEST) <= oldest
        ]
        return silent[:limit]

    def late_messages(self, *, seconds: float, limit: int) -> list[Message]:
        """Return messages that have waited."""
        oldest = self.clock.now - timedelta(seconds=seconds)
        return [message for _, (message, at) in sorted(self.tables.outbox.items()) if at <= oldest][:limit]

    def purge(self, *, limit: int) -> int:
        """Delete what has expired."""
        now, tables = self.clock.now, self.tables
        answers = [key for key, (_, until) in tables.answers.items() if until <= now][:limit]
        flows = [key for key, flow in tables.flows.items() if flow.tm_expire and flow.tm_expire <= now][:limit]
        for key in answers:
            del tables.answers[key]
        for key in flows:
            del tables.flows[key]
        return len(answers) + len(flows)

    def purge_ended(self, *, seconds: float, limit: int) -> Purged:
        """Delete what ended long ago; of a long history a part."""
        oldest = self.clock.now - timedelta(seconds=seconds)
        over = [one for one in self.tables.activeflows.values() if one.tm_end and one.tm_end <= oldest]
        chosen = sorted((one for one in over if not self._needed(one)), key=lambda one: one.tm_end or EARLIEST)[:limit]
        purged, left = Purged(), limit * STEPS_FOR_EACH
        for one in sorted(chosen, key=lambda one: one.id):
            steps = sorted_steps(self.tables.steps.get(one.id, ()))
            self.tables.steps[one.id] = tuple(steps[left:])
            if len(steps) < left:
                del self.tables.activeflows[one.id], self.tables.steps[one.id]
            purged += Purged(int(len(steps) < left), min(len(steps), left))
            left -= len(steps)
            if left <= 0:
                break
        return purged

    def _needed(self, ended: Activeflow) -> bool:
        every = self.tables.activeflows
        starter = every.get(ended.reference_activeflow_id)
        later = (one for one in every.values() if order_of(one) > order_of(ended))
        return (
            any(message.activeflow_id == ended.id for message, _ in self.tables.outbox.values())
            or (starter is not None and not starter.over)
            or any(one.reference_activeflow_id == ended.id for one in later)
        )


def newest_first(records: Iterable[Any]) -> list[Any]:
    """Return records in the order of lists."""
    return sorted(records, key=order_of, reverse=True)


def order_of(record: Any) -> tuple[datetime, Id]:
    """Return the place of a record in lists."""
    return (record.tm_create or EARLIEST, record.id)


def sorted_steps(steps: Iterable[Step]) -> list[Step]:
    """Return steps by number."""
    return sorted(steps, key=lambda step: step.seq)


def matching(records: Iterable[Any], page: Page) -> Iterable[Any]:
    """Return the records that all filters fit."""
    return [one for one in records if all(shown(one, name) == value for name, value in page.filters.items())]


def shown(record: Any, name: str) -> Any:
    """Return what a record shows under the name of a filter."""
    if name == "deleted":
        return record.tm_delete is not None
    if name == "status":
        return "ended" if record.over else "running"
    value = getattr(record, name)
    return getattr(value, "value", value)
