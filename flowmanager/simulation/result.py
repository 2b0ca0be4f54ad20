"""What came of a simulation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.simulation.labels import Labels
from flowmanager.simulation.telling import span
from flowmanager.simulation.timeline import Done, Entry, PeerRequest


@frozen(kw_only=True, repr=False)
class Result:
    """A simulation that is over. Times are seconds since its beginning."""

    ended_reason: str
    """Why the flow ended; empty: it had not when nothing more could happen."""
    state: str
    """`ended`, `error`, `waiting`, `blocked`, …"""
    why: str
    """Why it ended, or what it still waits for, in one line."""
    lasted: float
    variables: Mapping[str, str]
    timeline: Sequence[Entry]
    history: Sequence[Done]
    """The executed actions of all activeflows, in order."""
    requests: Sequence[PeerRequest]
    said: Sequence[str]
    """What the caller heard."""
    events: Sequence[Mapping[str, Any]]
    """What flow-manager published."""
    entered: Sequence[str]
    """Labels of the actions that the flow came to, in order."""
    path: Sequence[tuple[str, str]]
    """Where the flow went: each action with the way by which it was left (`next`, `true`, `2`, …; empty: not left)."""
    labels: Labels
    failures: Sequence[str] = ()
    """What the script expected and did not find; empty: all is well."""

    def __repr__(self) -> str:
        """Show it in a line: a failed assertion must not fill pages."""
        return f"<Result {self.why}, after {span(self.lasted)}>"

    @property
    def ended(self) -> str:
        """Why the flow ended, else the state it stays in."""
        return self.ended_reason or self.state

    @property
    def ok(self) -> bool:
        """Say whether everything was as the script expected."""
        return not self.failures

    @property
    def actions(self) -> list[str]:
        """The flow's own executed actions by label."""
        return [done.action for done in self.history if not done.flow]

    def visited(self, action: str) -> bool:
        """Say whether the flow came to an action, named by its label, its id, or `actions[4]`."""
        return (self.labels.find(action) or action) in self.entered

    def asked(self, line: str) -> list[PeerRequest]:
        """Return the requests like `queue POST /v1/services/type/queuecall`; `*` in the URI stands for anything."""
        return [one for one in self.requests if one.is_like(line)]

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "ended": self.ended,
            "state": self.state,
            "why": self.why,
            "lasted": round(self.lasted, 3),
            "ok": self.ok,
            "failures": list(self.failures),
            "variables": dict(self.variables),
            "history": [one.wire() for one in self.history],
            "requests": [one.wire() for one in self.requests],
            "said": list(self.said),
            "timeline": [one.wire() for one in self.timeline],
        }
