"""What the orchestrator needs from the outside world, as narrow protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from flowmanager.core.activeflow import Activeflow, Stamp, Step
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id

T = TypeVar("T")

NO_BODY: Mapping[str, Any] = MappingProxyType({})


class Rpc(Protocol):
    """Ask another manager and wait for its answer."""

    def call(self, ask: Ask) -> Any:
        """Return the `data` of a good answer (None when there is none).

        Raises PeerError for a status of 300 and more, PeerUnroutable, PeerTimeout, PeerGarbled, PeerUnavailable,
        BrokerLost.
        """
        ...


@frozen(kw_only=True)
class Ask:
    """One request to another manager. `key` is its idempotency key: a repeat carries the same."""

    peer: str
    """Short name: `call`, `queue`, …"""
    method: str
    uri: str
    body: Any = None
    """None: no `data` and an empty `data_type`."""
    json: bool = False
    """Say `application/json` even without a body, as some requests do."""
    seconds: float = 3.0
    """How long to wait for the answer."""
    key: str = ""
    headers: Mapping[str, Any] = field(default_factory=lambda: NO_BODY)
    """Of the message, such as the span that sends it."""


class MessageKind(StrEnum):
    """Where an outgoing message goes."""

    EVENT = "event"
    """To our event exchange."""
    REQUEST = "request"
    """To another manager's request queue; no answer is wanted."""


@frozen(kw_only=True)
class Message:
    """A message that left the program only after its transaction was committed. `target`: the peer's short name."""

    id: Id
    kind: MessageKind
    activeflow_id: Id
    """The record whose messages keep their order: an activeflow or a flow."""
    body: bytes
    target: str = ""
    headers: Mapping[str, Any] = field(default_factory=lambda: NO_BODY)
    """Of the message, such as the span that caused it; not stored."""
    number: int = field(default=0, compare=False)
    """Its place in the outbox, given when it is stored."""


class Publisher(Protocol):
    """Send messages that nobody answers."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Return when the broker has confirmed them all. Raises BrokerLost; then any of them may have arrived."""
        ...


@frozen(kw_only=True)
class Page:
    """A part of a list: rows older than `token` (exclusive), newest first."""

    size: int
    token: str = ""
    filters: Mapping[str, Any] = field(default_factory=lambda: NO_BODY)
    """Column name to value, all must match; `deleted` is a bool."""


class Flows(Protocol):
    """Read flows."""

    def get_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow, deleted and temporary ones too, but not expired ones."""
        ...


class Transaction(Flows, Protocol):
    """One database transaction. Every method sees what the earlier ones wrote.

    What a write raises, such as AlreadyExists, may come as late as with the commit.
    """

    def now(self) -> datetime:
        """Return the database's time (UTC) as of the latest lock or read of it in this transaction."""
        ...

    def insert_flow(self, flow: Flow) -> None:
        """Store a new flow. Raises AlreadyExists."""
        ...

    def lock_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow and keep others from changing it until the transaction ends."""
        ...

    def update_flow(self, flow: Flow) -> None:
        """Store a changed flow."""
        ...

    def list_flows(self, page: Page) -> list[Flow]:
        """Return stored (not temporary) flows."""
        ...

    def count_flows(self, customer_id: Id) -> int:
        """Count the stored flows of a customer that are not deleted."""
        ...

    def insert_activeflow(self, activeflow: Activeflow) -> None:
        """Store a new activeflow. Raises AlreadyExists."""
        ...

    def get_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow without locking it."""
        ...

    def get_with_steps(self, activeflow_id: Id) -> tuple[Activeflow, list[Step]] | None:
        """Return an activeflow with its history, without locking it."""
        ...

    def unchanged(self, activeflow_id: Id, stamp: Stamp) -> bool:
        """Say whether an activeflow is still there as it was when it had these times; False also when nobody can say.

        Cheaper than to read it again.
        """
        ...

    def lock_activeflow(self, activeflow_id: Id) -> Activeflow | None:
        """Return an activeflow and keep others from changing it until the transaction ends."""
        ...

    def save_activeflow(self, activeflow: Activeflow) -> None:
        """Store a changed activeflow that was locked in this transaction; only what changed is written."""
        ...

    def list_activeflows(self, page: Page) -> list[Activeflow]:
        """Return activeflows."""
        ...

    def running_by_reference(self, reference_id: Id) -> list[Id]:
        """Return the ids of the activeflows of a reference that are not over, oldest first."""
        ...

    def lock_by_reference(self, reference_id: Id) -> list[Activeflow]:
        """Return the activeflows of a reference that are not over, newest first, and keep others from changing them."""
        ...

    def append_steps(self, activeflow_id: Id, steps: Sequence[Step]) -> None:
        """Append to the history."""
        ...

    def get_steps(self, activeflow_ids: Sequence[Id], *, since: int = 0) -> dict[Id, list[Step]]:
        """Return the histories, each from step number `since` on."""
        ...

    def get_trace(self, activeflow_id: Id, *, since: int, until: int) -> list[Step]:
        """Return the steps with these numbers (`until` exclusive), with their details, the first step first."""
        ...

    def add_messages(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox."""
        ...

    def get_answer(self, key: str) -> bytes | None:
        """Return the kept answer to a request."""
        ...

    def add_answer(self, key: str, body: bytes) -> None:
        """Keep the answer to a request. Raises Answered when that request has one."""
        ...


class Store(Protocol):
    """The database."""

    def run(self, work: Callable[[Transaction], T], *, on: Id | None = None) -> T:
        """Run `work` in one transaction: commit when it returns, roll back when it raises.

        It is run again after a deadlock or a lock wait that ran out, so it must not have effects of its own.
        Raises Contention when that happens too often, StoreLost when the connection breaks.

        `on`: the one activeflow that it locks, first of all: it may share its transaction with changes of others.
        """
        ...

    def look(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, which only reads and locks nothing: each read sees what is committed by then.

        Cheaper than a transaction. Raises Contention, StoreLost.
        """
        ...

    def get_answer(self, key: str) -> bytes | None:
        """Return the kept answer to a request."""
        ...

    def unpublished(self, activeflow_ids: Sequence[Id]) -> list[Message]:
        """Return the outbox messages of these records in commit order."""
        ...

    def published(self, messages: Sequence[Message]) -> None:
        """Take messages that were read from the outbox out of it."""
        ...


STEPS_FOR_EACH = 10
"""Lines of history in a transaction for each activeflow deleted in it: a long history takes several transactions."""


@frozen
class Purged:
    """How much was deleted."""

    activeflows: int = 0
    steps: int = 0
    """Lines of their histories."""

    def __add__(self, other: Purged) -> Purged:
        """Return both together."""
        return Purged(self.activeflows + other.activeflows, self.steps + other.steps)

    @property
    def rows(self) -> int:
        """The number of all rows."""
        return self.activeflows + self.steps


class Upkeep(Protocol):
    """What the sweeper needs of the database."""

    def heartbeat(self, worker_id: Id) -> None:
        """Say that this worker process lives."""
        ...

    def due(self, *, limit: int) -> list[Id]:
        """Return activeflows whose wait has passed its deadline, the longest passed first."""
        ...

    def orphans(self, *, seconds: float, limit: int) -> list[tuple[Id, Id | None]]:
        """Return activeflows that are executing while their owner gave no heartbeat for so long, with that owner."""
        ...

    def late_messages(self, *, seconds: float, limit: int) -> list[Message]:
        """Return outbox messages that have waited so long, in commit order."""
        ...

    def purge(self, *, limit: int) -> int:
        """Delete expired answers, temporary flows and dead workers' rows; return how many."""
        ...

    def purge_ended(self, *, seconds: float, limit: int) -> Purged:
        """Delete up to `limit` activeflows that ended so long ago, with their histories, in one short transaction.

        Of a long history only a part: until nothing is deleted there may be more. One stays while it has an unpublished
        message, while the one that started it runs, and while one that it started is there.
        """
        ...


class Ids(Protocol):
    """A source of new ids."""

    def new(self) -> Id:
        """Return an id that nobody else has."""
        ...
