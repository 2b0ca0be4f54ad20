"""A graph as Mermaid text, which GitHub and many wikis draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flowmanager.trace.graph import BEGIN, END, Edge, Group, Key, Node, graph_of_flow, graph_of_trace
from flowmanager.trace.labels import clean, cut
from flowmanager.trace.marks import look, numbers, times
from flowmanager.trace.model import PlannedAction, Trace

TEXT_CHARACTERS = 60
CLASSES = {
    "planned": "fill:#f7f9fb,stroke:#8896a6,color:#1f2933",
    "seen": "fill:#e6f4ee,stroke:#2f9e6e,color:#12372a",
    "unseen": "fill:#f7f9fb,stroke:#c3ccd7,color:#7b8794",
    "failed": "fill:#fdeaea,stroke:#d64545,color:#5c1a1a",
    "skipped": "fill:#f3f4f6,stroke:#8896a6,color:#52606d,stroke-dasharray:4 3",
    "late": "fill:#fff4e0,stroke:#d9822b,color:#5c3a0a",
    "here": "fill:#fff7d6,stroke:#e0a100,stroke-width:3px,color:#7a5200",
}
TAKEN = "stroke:#2f9e6e,stroke-width:3px"


def mermaid_of_trace(trace: Trace) -> str:
    """Return a trace."""
    return "\n".join(Writer().write(graph_of_trace(trace), f"{trace.flow_name} {trace.id}: {trace.why}")) + "\n"


def mermaid_of_flow(actions: Sequence[PlannedAction], name: str) -> str:
    """Return a template."""
    return "\n".join(Writer().write(graph_of_flow(actions), name)) + "\n"


@dataclass(slots=True)
class Writer:
    """Writes one graph; nodes get short names."""

    names: dict[Key, str] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def write(self, main: Group, title: str) -> Iterator[str]:
        """Yield the lines."""
        yield f"%% {cut(title, 200)}"
        yield "flowchart TD"
        self.edges = list(edges_of(main))
        for key, name in ((BEGIN, "begin"), (END, "end")):
            if any(key in (edge.source, edge.target) for edge in self.edges):
                yield f"  {self.name(key)}([{name}])"
        yield from self.group(main, "  ")
        for edge in self.edges:
            told = " ".join(one for one in (quoted(edge.label), times(edge)) if one)
            label = f'|"{told}"|' if told else ""
            yield f"  {self.name(edge.source)} -->{label} {self.name(edge.target)}"
        yield from (f"  classDef {name} {style}" for name, style in CLASSES.items())
        taken = ",".join(str(number) for number, edge in enumerate(self.edges) if edge.taken)
        if taken:
            yield f"  linkStyle {taken} {TAKEN}"

    def name(self, key: Key) -> str:
        """Return the name of a node: letters and a number."""
        return self.names.setdefault(key, f"n{len(self.names)}")

    def group(self, group: Group, margin: str) -> Iterator[str]:
        """Yield a stack's actions and the stacks inside it."""
        yield from (f"{margin}{self.node(node)}" for node in group.nodes)
        for inner in group.groups:
            yield f'{margin}subgraph {self.name(inner.key)}["{quoted(inner.title)}"]'
            yield from self.group(inner, margin + "  ")
            yield f"{margin}end"

    def node(self, node: Node) -> str:
        """Return one action."""
        mark = "▶ " if node.current else ""
        told = numbers(node)
        lines = [f"{mark}{node.type or '?'}", cut(node.text, TEXT_CHARACTERS), f"step {told}" if told else ""]
        text = "<br/>".join(quoted(line) for line in lines if line)
        return f'{self.name(node.key)}["{text}"]:::{look(node)}'


def edges_of(group: Group) -> Iterator[Edge]:
    """Yield the edges of a stack and of all inside it."""
    yield from group.edges
    for inner in group.groups:
        yield from edges_of(inner)


def quoted(text: str) -> str:
    """Return a text that cannot end its quotes or mean markup."""
    table = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}
    return "".join(table.get(one, one) for one in clean(text))
