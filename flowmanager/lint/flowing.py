"""What may be true when the flow comes to an action: facts as bits, carried along all ways at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flowmanager.lint.graph import END, Graph

Pass = Callable[[int, int], Iterable[tuple[int, int]]]
"""From an action and the facts before it to the actions after it, each with the facts on the way there."""

MOST_ROUNDS = 30
"""Rounds over all actions, forwards and backwards. A flow that needs more is written by no person; nothing is said."""


def arriving(graph: Graph, start: int, through: Pass) -> Mapping[int, int] | None:
    """Return the facts that may hold before each action that can be reached; None: that takes too long to say."""
    facts = dict.fromkeys(graph.order, 0)
    if graph.order:
        facts[graph.order[0]] = start
    changed = set(graph.order)
    for turn in range(MOST_ROUNDS):
        if not changed:
            return facts
        due, changed = changed, set()
        for number in reversed(graph.order) if turn % 2 else graph.order:
            if number not in due and number not in changed:
                continue
            changed.discard(number)
            for target, more in through(number, facts[number]):
                if target != END and facts[target] | more != facts[target]:
                    facts[target] |= more
                    changed.add(target)
    return None
