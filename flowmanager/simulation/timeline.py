"""What happened in a simulation, as it is shown: one entry for each thing, in order of time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id


@dataclass(slots=True)
class Entry:
    """One thing that happened. Times are seconds since the beginning."""

    at: float
    kind: str
    """`action`, `caller`, `peer`, `request`, `variable`, `event`, `end`, `note`."""
    what: str
    """One line for people."""
    flow: str = ""
    """Which activeflow, when it is not the one that was started first."""
    action: str = ""
    """The action's label."""
    type: str = ""
    depth: int = 0
    """How deep the action's frame is nested."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What programs read: `option`, `result`, `until`, `status_code`, …"""

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        told = {"at": round(self.at, 3), "kind": self.kind, "flow": self.flow, "action": self.action, "type": self.type}
        return {**{key: value for key, value in told.items() if value != ""}, "what": self.what, **self.facts}


@frozen
class PeerRequest:
    """A request to another manager. `status_code` None: no answer, or rubbish."""

    at: float
    peer: str
    method: str
    uri: str
    data: Any
    status_code: int | None
    seconds: float = 0.0
    """How long the answer took."""

    @property
    def line(self) -> str:
        """Manager, method and URI."""
        return f"{self.peer} {self.method} {self.uri}"

    def is_like(self, line: str) -> bool:
        """Say whether it is like `queue POST /v1/queuecalls/<id>/status_waiting`; what is left out may be anything."""
        words = re.sub("<[^>]*>", "*", line).split()
        manager, method, uri = [*words, "*", "*", "*"][:3]
        wanted = ((self.peer, manager.removesuffix("-manager")), (self.method, method.upper()), (self.uri, uri))
        return all(fnmatchcase(value, pattern) for value, pattern in wanted)

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "at": round(self.at, 3),
            "peer": self.peer,
            "method": self.method,
            "uri": self.uri,
            "data": self.data,
            "status_code": self.status_code,
            "seconds": round(self.seconds, 3),
        }


@frozen
class Done:
    """One line of a history: an action that was left. `edge`: by which way (`next`, `true`, `2`, `default`, …)."""

    flow: str
    action: str
    type: str
    result: str
    cause: str
    error: str
    began: float
    ended: float
    edge: str = "next"

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "flow": self.flow,
            "action": self.action,
            "type": self.type,
            "result": self.result,
            "cause": self.cause,
            **({"error": self.error} if self.error else {}),
            "began": round(self.began, 3),
            "ended": round(self.ended, 3),
            "edge": self.edge,
        }


@dataclass(slots=True)
class Run:
    """One activeflow of a simulation: the call itself, what follows it, or the other leg of a connection."""

    id: Id
    name: str
    """Empty for the one that was started first."""
    entries: dict[int, Entry] = field(default_factory=dict)
    """Entries of its actions by number in the history."""
    edges: dict[int, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    """Its variables as the timeline has told them."""
    over: bool = False
