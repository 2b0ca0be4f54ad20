"""What of a flow was reached by a number of simulations, and why the rest was not, as far as that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.exploration.graph import END, Edge, Graph
from flowmanager.simulation.result import Result


@dataclass(slots=True)
class Coverage:
    """Actions and edges of a flow that were reached so far."""

    graph: Graph
    actions: set[str] = field(default_factory=set)
    edges: set[Edge] = field(default_factory=set)

    def add(self, result: Result) -> None:
        """Count what one simulation reached."""
        own = [(action, way) for action, way in result.path if action in self.graph.actions]
        self.actions |= {action for action, _ in own}
        targets = [*(action for action, _ in own[1:]), END if result.ended_reason == "finished" else ""]
        walked = {Edge(action, way, target) for (action, way), target in zip(own, targets, strict=True)}
        self.edges |= walked & set(self.graph.edges)

    def missing_actions(self) -> list[str]:
        """Return the actions that were never reached."""
        return [action for action in self.graph.actions if action not in self.actions]

    def missing_edges(self) -> list[Edge]:
        """Return the edges that were never walked."""
        return [edge for edge in self.graph.edges if edge not in self.edges]

    @property
    def action_percent(self) -> float:
        """How many of the actions were reached."""
        return percent(self.actions, self.graph.actions)

    @property
    def edge_percent(self) -> float:
        """How many of the edges were walked."""
        return percent(self.edges, self.graph.edges)

    @property
    def percent(self) -> float:
        """The smaller of both."""
        return min(self.action_percent, self.edge_percent)


def percent(reached: Collection[Any], every: Sequence[Any]) -> float:
    """Return how many there are of all; of nothing all are there."""
    return 100.0 * len(reached) / len(every) if every else 100.0


@frozen
class Reasons:
    """Why something was not reached."""

    coverage: Coverage
    impossible: Collection[tuple[str, str]]
    """Conditions on the time that cannot turn out so."""
    complete: bool
    """Everything that was found was walked."""

    def of_action(self, action: str) -> str:
        """Say why an action was not reached."""
        entrances = self.coverage.graph.into(action)
        if not entrances:
            return "nothing leads there"
        if all(edge.source not in self.coverage.actions for edge in entrances):
            return "only " + either(edge.source for edge in entrances) + " leads there, which was not reached"
        return either(self.of_edge(edge) for edge in entrances if edge.source in self.coverage.actions)

    def of_edge(self, edge: Edge) -> str:
        """Say why an edge was not walked."""
        if edge.source not in self.coverage.actions:
            return f"{edge.source} was not reached"
        if (edge.source, edge.way) in self.impossible:
            return "there is no time within a year at which all conditions on the way are so"
        return self.unfinished()

    def unfinished(self) -> str:
        """Say why something that seems possible did not happen."""
        if not self.complete:
            return "not tried yet: allow more with --max-runs"
        return "nothing that callers and other managers were tried to do leads there"


def either(names: Iterable[str]) -> str:
    """Return a choice of names."""
    return " or ".join(dict.fromkeys(names))


def coverage_wire(coverage: Coverage, reasons: Reasons) -> Mapping[str, Any]:
    """Return it as JSON."""
    actions, edges = coverage.missing_actions(), coverage.missing_edges()
    return {
        "actions": {
            "all": len(coverage.graph.actions),
            "reached": len(coverage.actions),
            "percent": round(coverage.action_percent, 1),
            "missing": [{"action": one, "why": reasons.of_action(one)} for one in actions],
        },
        "edges": {
            "all": len(coverage.graph.edges),
            "reached": len(coverage.edges),
            "percent": round(coverage.edge_percent, 1),
            "missing": [
                {"from": one.source, "way": one.way, "to": one.target, "why": reasons.of_edge(one)} for one in edges
            ],
        },
    }
