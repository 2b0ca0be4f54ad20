"""How pictures mark what happened: the kind of a box, the numbers of its steps, how often a line was taken."""

from __future__ import annotations

from flowmanager.trace.graph import Edge, Node

NUMBERS = 3
"""Step numbers shown on one action."""
LATE = frozenset({"timeout", "interrupted"})


def look(node: Node) -> str:
    """Return the class of an action."""
    if node.current:
        return "here"
    if not node.visited:
        return node.result or "unseen"
    if node.result in LATE:
        return "late"
    return node.result if node.result in ("failed", "skipped") else "seen"


def numbers(node: Node) -> str:
    """Return the numbers of the steps in which an action ran."""
    if len(node.steps) <= NUMBERS:
        return " · ".join(map(str, node.steps))
    return f"{node.steps[0]} · … · {node.steps[-1]} ({len(node.steps)}x)"


def times(edge: Edge) -> str:
    """Return how often a line was taken, when more than once."""
    return f"{edge.taken}x" if edge.taken > 1 else ""
