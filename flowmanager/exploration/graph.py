"""The ways between the actions of a flow, by the names that people know them by. Where they lead is the linter's."""

from __future__ import annotations

from collections.abc import Iterator

from flowmanager.core.frozen import frozen
from flowmanager.executor import Media
from flowmanager.lint import graph as places
from flowmanager.lint.step import Step
from flowmanager.lint.template import Template
from flowmanager.simulation.labels import Labels

END = "end"
"""Where a flow goes that is finished."""


@frozen(order=True)
class Edge:
    """A way from an action; `way`: `next`, `true`, `false`, `jump`, the value of a branch, `default`."""

    source: str
    way: str
    target: str

    def __str__(self) -> str:
        """Show it."""
        way = "" if self.way == "next" else f" ({self.way})"
        return f"{self.source} → {self.target}{way}"


@frozen
class Graph:
    """The actions of a flow and the ways between them."""

    actions: tuple[str, ...]
    edges: tuple[Edge, ...]

    def into(self, action: str) -> list[Edge]:
        """Return the ways to an action."""
        return [edge for edge in self.edges if edge.target == action]


def graph_of(flow: Template, labels: Labels, *, live: bool) -> Graph:
    """Return the graph of a flow. `live`: it runs on a call, where a hang-up is one."""
    names = [labels.of(step.action.id, step.type) for step in flow.steps]
    edges = [
        Edge(names[step.number], way, END if target == places.END else names[target])
        for step in flow.steps
        for way, target in ways(step, flow.graph, live=live)
    ]
    return Graph(tuple(names), tuple(dict.fromkeys(edges)))


def ways(step: Step, graph: places.Graph, *, live: bool) -> Iterator[tuple[str, int]]:
    """Yield the ways from an action and where they lead. A jump that ends in an error is none."""
    following, falls = graph.after[step.number], graph.falls[step.number]
    if is_skipped(step, live=live):
        yield "next", following
        return
    if falls and step.type != "hangup":
        yield "true" if step.type in places.CONDITIONS else "next", following
    for (way, _), target in zip(places.targets(step), graph.jumps[step.number], strict=True):
        if target != places.END:
            yield way, target


def is_skipped(step: Step, *, live: bool) -> bool:
    """Say whether the flow passes over an action."""
    return not live and step.executor is not None and step.executor.media is Media.RTC
