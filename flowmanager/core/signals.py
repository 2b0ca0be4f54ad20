"""What happened outside: an event of another manager in the one form the engine knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class SignalKind(StrEnum):
    """The kinds of things that happen to an activeflow."""

    DONE = "done"
    """The action that was sent to another manager is complete."""
    DIGIT = "digit"
    """The caller pressed a key."""
    SERVICE_DONE = "service_done"
    """A service that pushed a stack (queue, ai, conference) is over."""
    REFERENCE_ENDED = "reference_ended"
    """The call, conversation … that the activeflow belongs to is over."""
    VARIABLES = "variables"
    """Nothing but variables."""
    FORWARD = "forward"
    """A pending jump is to be made now."""


@frozen(kw_only=True)
class Signal:
    """One event. A field left empty does not restrict what the signal applies to."""

    kind: SignalKind
    cause: str
    """Name of the event, for history and logs."""
    action_id: Id | None = None
    """The action the event speaks of."""
    action_types: frozenset[str] = frozenset()
    """Only an action of one of these types is meant."""
    service_id: Id | None = None
    """The service (frame) that is over."""
    text: str = ""
    """What else tells the event apart: the key that was pressed, the bridge that was left."""
    variables: Mapping[str, str] = field(default_factory=lambda: NO_VARIABLES)
    """Variables that the event brings."""
