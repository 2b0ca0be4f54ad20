"""What the contract is made of: the routes, the events we send, those we read, and the errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flowmanager import routes, subscriptions
from flowmanager.core.ids import NIL
from flowmanager.discover import collect_with_module
from flowmanager.errors import STATUS_CODES, FlowManagerError
from flowmanager.route import Route
from flowmanager.schemas.json_schema import sentence_of
from flowmanager.subscription import Event, Subscription, plain
from flowmanager.transport.names import SUBSCRIBED_PEERS

ACTIVEFLOW, FLOW = "activeflow_event", "flow"
PUBLISHED: Mapping[str, tuple[str, str]] = {
    "flow_created": (FLOW, "A flow was stored."),
    "flow_updated": (FLOW, "A flow was changed."),
    "flow_deleted": (FLOW, "A flow was deleted."),
    "activeflow_created": (ACTIVEFLOW, "An activeflow was created."),
    "activeflow_updated": (ACTIVEFLOW, "An activeflow paused, ended, or was changed."),
    "activeflow_deleted": (ACTIVEFLOW, "An activeflow was deleted."),
    "activeflow_suspended": (ACTIVEFLOW, "An activeflow stands still under a newer one of the same reference."),
    "activeflow_resumed": (ACTIVEFLOW, "An activeflow goes on, since nothing lies on top of it any more."),
    "activeflow_dropped": (ACTIVEFLOW, "An activeflow was replaced by a newer one of the same flow."),
}
"""Our events: the record that each holds, and when it comes."""
ANSWERING = ("flowmanager.errors", "flowmanager.orchestrator")
"""Where errors are defined that requests are answered with."""
INTERNAL = frozenset({"ANSWERED", "INVALID_SETTING", "CONTENTION", "STORE_LOST", "BROKER_LOST"})
"""Reasons that nobody is answered with: the request is handled again, or the program does not start."""


class Heard(NamedTuple):
    """An event of another manager that we read."""

    source: str
    name: str
    meaning: str
    fields: tuple[str, ...]
    """What of its data is looked at."""


class Refusal(NamedTuple):
    """A way to refuse a request."""

    reason: str
    status: str
    code: int
    meaning: str


def all_routes() -> list[Route]:
    """Return every method on every URI, by file name."""
    return [one for _, one in collect_with_module(routes, Route)]


def operation_name(one: Route) -> str:
    """Return the name of what a route does."""
    return getattr(one.handle, "__name__", "")


def heard_events() -> Iterator[Heard]:
    """Yield every event that we read."""
    for module, one in collect_with_module(subscriptions, Subscription):
        meaning = f"{sentence_of(module)} {sentence_of(one.read)}"
        for source, name in one.spelled:
            yield Heard(source, name, meaning, fields_read(one, source, name))


def comes_by_exchange(event: Heard) -> bool:
    """Say whether an event comes by the exchange of its manager; all may also be sent to our own queue."""
    return event.source in SUBSCRIBED_PEERS


class Noted(dict[str, Any]):
    """Data that notes what is looked at."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value
        self.asked: dict[str, None] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Note the key."""
        del default
        self.asked[key] = None
        return self.value


def fields_read(one: Subscription, source: str, name: str) -> tuple[str, ...]:
    """Return the fields of an event that its reader looks at: tried with nothing there, and with everything there."""
    asked: dict[str, None] = {}
    for value in (None, NIL, "11111111-1111-4111-8111-111111111111"):
        data = Noted(value)
        one.read(Event(source, plain(name), data))
        asked |= data.asked
    return tuple(asked)


def refusals() -> list[Refusal]:
    """Return every typed error that an answer may hold, by its status."""
    kinds = (kind for kind in kinds_of(FlowManagerError) if kind.__module__.startswith(ANSWERING))
    found = {kind.reason: refusal(kind) for kind in kinds if kind.reason not in INTERNAL}
    return sorted(found.values(), key=lambda one: (one.code, one.reason))


def refusal(kind: type[FlowManagerError]) -> Refusal:
    """Return what is known of a kind of error."""
    return Refusal(kind.reason, kind.status, STATUS_CODES.get(kind.status, 500), sentence_of(kind))


def kinds_of(kind: type[FlowManagerError]) -> Iterator[type[FlowManagerError]]:
    """Yield a kind of error and those that are special cases of it, the most special ones first."""
    for below in kind.__subclasses__():
        yield from kinds_of(below)
    yield kind
