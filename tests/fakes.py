"""Stand-ins for the outside world that behave like it: other managers that answer as told, flows kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from flowmanager.core.flow import Flow
from flowmanager.core.ids import Id
from flowmanager.errors import PeerError
from flowmanager.ports import Ask


@dataclass
class ScriptedRpc:
    """Other managers: answers by `peer METHOD uri-pattern`, an exception as an answer is raised; asks are kept.

    What nobody has an answer for is answered 404, as a manager does.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)

    def call(self, ask: Ask) -> Any:
        """Answer the first pattern that fits."""
        self.asks.append(ask)
        line = f"{ask.peer} {ask.method} {ask.uri}"
        for pattern, answer in self.answers.items():
            if fnmatchcase(line, pattern):
                return self.given(answer)
        raise PeerError(ask.peer, 404)

    def given(self, answer: Any) -> Any:
        """Return or raise an answer."""
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def lines(self) -> list[str]:
        """What was asked, in order."""
        return [f"{ask.peer} {ask.method} {ask.uri}" for ask in self.asks]


@dataclass
class FlowShelf:
    """Flows in memory: as much of a store and its transaction as temporary flows need."""

    flows: dict[Id, Flow] = field(default_factory=dict)
    time: datetime = datetime(2026, 5, 4, 7, 8, 9, tzinfo=UTC)

    def run(self, work: Any, *, on: Id | None = None) -> Any:  # noqa: ARG002
        """Run work in a transaction."""
        return work(self)

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def get_flow(self, flow_id: Id) -> Flow | None:
        """Return a flow."""
        return self.flows.get(flow_id)

    def insert_flow(self, flow: Flow) -> None:
        """Store a flow."""
        self.flows[flow.id] = flow
