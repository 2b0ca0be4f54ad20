"""What every part of the orchestrator shares, and what belongs to the one message that is being handled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from time import sleep
from typing import Any, TypeVar

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.limits import Limits
from flowmanager.errors import FlowManagerError
from flowmanager.executor import Executor
from flowmanager.managers.web import Web
from flowmanager.metrics import Metrics
from flowmanager.orchestrator.breaker import Breakers, GuardedRpc
from flowmanager.orchestrator.crowd import Crowd
from flowmanager.orchestrator.measured import MeasuredRpc
from flowmanager.ports import Ask, Ids, Rpc, Store, Transaction
from flowmanager.schemas.envelopes import encode_answer, encode_error
from flowmanager.spans import NO_TRACER, Tracer

T = TypeVar("T")


class Abandoned:
    """Activeflows whose turn this process had to give up in the middle: the sweeper takes them over."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.ids: list[Id] = []

    def add(self, activeflow_id: Id) -> None:
        """Remember an activeflow."""
        with self.lock:
            if activeflow_id not in self.ids:
                self.ids.append(activeflow_id)

    def pop(self) -> Id | None:
        """Return one of them and forget it; None: there is none."""
        with self.lock:
            return self.ids.pop(0) if self.ids else None


@frozen(kw_only=True)
class Engine:
    """Shared by all threads of a process."""

    store: Store
    executors: Mapping[str, Executor]
    limits: Limits
    ids: Ids
    worker_id: Id
    metrics: Metrics
    breakers: Breakers
    """They stop asking peers that fail."""
    media_wait_seconds: float = 3600.0
    """How long a media action may take when its option sets no limit: a lost event must not hold a flow for ever."""
    grace_seconds: float = 5.0
    """How long after its own time limit a media action's event may still come."""
    web: Web = field(default_factory=Web)
    """Customers' servers."""
    max_flows: int = 10_000
    """Stored flows of one customer: a client in a loop must not fill the table."""
    flow_warnings: bool = True
    """Whether the answer to a flow that is stored says what is wrong with it."""
    stacked_types: frozenset[str] = frozenset({"conversation"})
    """Reference types whose activeflows lie on top of each other instead of running side by side."""
    max_active_flows: int = 0
    """Activeflows of one stack, 0: any number: a talk that opens ever new subjects must not pile them up."""
    repeat_seconds: float = 2.5
    """How long the repeat of a request that is being handled waits for its answer: less than its sender waits."""
    sleep: Callable[[float], None] = sleep
    """Let time pass."""
    waits: Callable[[], AbstractContextManager[None]] = nullcontext
    """What is done around a wait for another manager: somebody else steps in."""
    crowd: Crowd = field(default_factory=partial(Crowd, 1))
    """Whose requests are in hand."""
    abandoned: Abandoned = field(default_factory=Abandoned)
    tracer: Tracer = NO_TRACER
    """Where spans go."""

    def peers(self, rpc: Rpc) -> Rpc:
        """Return an Rpc that asks through the given one, measured; a peer that fails is left alone for a while."""
        guarded = GuardedRpc(MeasuredRpc(self.tracer.rpc(rpc), self.metrics), self.breakers)
        return WaitingRpc(guarded, self.waiting)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Whoever is in here waits for somebody outside: it neither works nor crowds."""
        with self.waits(), self.crowd.waiting():
            yield


@frozen
class WaitingRpc:
    """Asks through another Rpc, and says so meanwhile."""

    rpc: Rpc
    waiting: Callable[[], AbstractContextManager[None]]

    def call(self, ask: Ask) -> Any:
        """Ask; see the port for what is raised."""
        with self.waiting():
            return self.rpc.call(ask)


def nothing(_body: bytes) -> None:
    """Send no answer: nobody waits for one."""


@dataclass(slots=True)
class Draft:
    """What a transaction leaves behind when it is committed, and forgets when it is not."""

    body: bytes | None = None
    """The answer of the message."""
    touched: list[Id] = field(default_factory=list)
    """Records with messages in the outbox."""
    children: list[Id] = field(default_factory=list)
    """Activeflows that were created to be started at once."""
    notes: list[Callable[[], None]] = field(default_factory=list)
    """What is counted and logged."""


@dataclass(slots=True)
class Work:
    """One message being handled: its identity, its answer, and what remains to be done after the answer."""

    engine: Engine
    rpc: Rpc
    key: str = ""
    """Identity of the request; empty: it has none, and a repeat cannot be told from a new one."""
    redelivered: bool = False
    under_way: bool = False
    """A part of the work is committed: an answer that somebody else gave meanwhile must not undo the rest."""
    done: Draft = field(default_factory=Draft)
    """What is committed."""
    draft: Draft = field(default_factory=Draft)
    """What the transaction under way will have done."""
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """What is done when the answer is out; a failure is only logged."""
    reply: Callable[[bytes], None] = nothing
    """Send an answer, if none was sent yet."""

    def commit(self, change: Callable[[Transaction], T], *, on: Id | None = None) -> T:
        """Run a change in one transaction; only when it is committed counts what it left in the draft.

        `on`: the one activeflow that it locks, first of all.
        """

        def attempt(transaction: Transaction) -> T:
            self.draft = Draft()
            return change(transaction)

        result = self.engine.store.run(attempt, on=on)
        self.done.body = self.done.body or self.draft.body
        self.done.touched += self.draft.touched
        self.done.children += self.draft.children
        for note in self.draft.notes:
            note()
        return result

    def look(self, read: Callable[[Transaction], T]) -> T:
        """Return what is read without a transaction."""
        return self.engine.store.look(read)

    def branch(self, name: str) -> Work:
        """Return the part of this work that concerns one of several activeflows, with an identity of its own."""
        return Work(self.engine, self.rpc, f"{self.key}:{name}" if self.key else "", self.redelivered)

    def join(self, branch: Work) -> None:
        """Take over what a branch leaves to be done."""
        self.done.touched += branch.done.touched
        self.done.children += branch.done.children
        self.afterwards += branch.afterwards

    def reply_now(self) -> None:
        """Send the committed answer before the rest of the work is done."""
        self.reply(self.done.body or encode_answer())

    def show(self, body: bytes) -> None:
        """Answer with what was read: there is nothing to commit, and a repeat reads anew."""
        self.done.body = body

    def answer(self, transaction: Transaction, data: Any = None) -> None:
        """Fix the answer of this message, committed with the transaction."""
        self.keep(transaction, encode_answer(data))

    def refuse(self, transaction: Transaction, error: FlowManagerError) -> None:
        """Fix an error as the answer of this message, committed with the transaction."""
        self.keep(transaction, encode_error(error))

    def keep(self, transaction: Transaction, body: bytes) -> None:
        """Store the answer for repeats of the request; the first answer of a message stays."""
        if self.done.body is not None:
            return
        known = transaction.get_answer(self.key) if self.key and self.under_way else None
        if self.key and known is None:
            transaction.add_answer(self.key, body)
        self.draft.body = known or body
