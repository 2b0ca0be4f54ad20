"""The form of an inbound event: one file under `subscriptions/` for each family says what its events mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.core.signals import Signal
from flowmanager.errors import InvalidEnvelope
from flowmanager.schemas.envelopes import decode_object
from flowmanager.schemas.fields import parse_id


@frozen
class Event:
    """An event of another manager, whichever of the two formats it came in.

    The managers' own format has `type` and `publisher`; the short one `type` and `event`, and ids beside `data`.
    """

    source: str
    """Short name of the sender: `call`, `media`, `queue`, …"""
    name: str
    """Lower case, without separators: `callhangup`, `agentanswered`."""
    data: Mapping[str, Any]

    def id(self, *keys: str) -> Id | None:
        """Return the first of these values of `data` that is a uuid other than zero."""
        found = (parse_id(value) for value in map(self.data.get, keys) if isinstance(value, str))
        return next((value for value in found if value and value != NIL), None)

    def text(self, *keys: str) -> str:
        """Return the first of these values of `data` that is a text or a number, as text."""
        values = (self.data.get(key) for key in keys)
        told = (value for value in values if isinstance(value, str | int) and not isinstance(value, bool))
        return next((str(value) for value in told if value != ""), "")


@frozen
class Notice:
    """A signal and whom it concerns: one activeflow, or all that run on a reference."""

    signal: Signal
    activeflow_id: Id | None = None
    reference_id: Id | None = None


@frozen
class CustomerGone:
    """A customer does not exist any more."""

    customer_id: Id


News = Notice | CustomerGone
Read = Callable[[Event], News | None]


@frozen
class Subscription:
    """What to make of some events: each is known by its source and its name."""

    events: frozenset[tuple[str, str]]
    read: Read
    spelled: tuple[tuple[str, str], ...] = ()
    """The events as their senders spell them."""


def subscription(*events: tuple[str, str]) -> Callable[[Read], Subscription]:
    """Make a subscription of a function. An event is named as its sender names it: `("call", "call_hangup")`."""

    def make(read: Read) -> Subscription:
        return Subscription(frozenset((source, plain(name)) for source, name in events), read, events)

    return make


def plain(name: str) -> str:
    """Return an event name as it is compared: `AgentAnswered`, `agent_answered` and `agent-answered` are one."""
    return name.lower().replace("_", "").replace("-", "").replace(".", "")


def decode_event(body: bytes, *, limit: int, depth: int) -> Event:
    """Read an event in either format. Raises InvalidEnvelope."""
    envelope = decode_object(body, limit=limit, depth=depth)
    kind, short = envelope.get("type"), envelope.get("event")
    if not isinstance(kind, str) or not kind:
        raise InvalidEnvelope("type: Not a text.", path="type")
    data = envelope.get("data") or {}
    if not isinstance(data, Mapping):
        raise InvalidEnvelope("data: Not an object.", path="data")
    if isinstance(short, str) and short:
        beside = {key: value for key, value in envelope.items() if key not in ("type", "event", "data")}
        return Event(kind.lower(), plain(short), {**data, **beside})
    publisher = envelope.get("publisher")
    source = publisher if isinstance(publisher, str) else ""
    return Event(source.removesuffix("-manager"), plain(kind), data)
