"""Which ways lead from which action to which: as the flow says, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.ids import FINISH, NIL
from flowmanager.executor import Media
from flowmanager.executors import public_executors
from flowmanager.simulation.labels import Labels

END = "end"
"""Where a flow goes that is finished."""
LAST = frozenset({"stop", "hangup"})
"""After these nothing comes, when they do what they are there for."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A way from an action; `way`: `next`, `true`, `false`, `jump`, the value of a branch, `default`."""

    source: str
    way: str
    target: str

    def __str__(self) -> str:
        """Show it."""
        way = "" if self.way == "next" else f" ({self.way})"
        return f"{self.source} → {self.target}{way}"


@dataclass(frozen=True, slots=True)
class Graph:
    """The actions of a flow and the ways between them."""

    actions: tuple[str, ...]
    edges: tuple[Edge, ...]

    def into(self, action: str) -> list[Edge]:
        """Return the ways to an action."""
        return [edge for edge in self.edges if edge.target == action]


def graph_of(actions: Sequence[Action], labels: Labels, *, live: bool) -> Graph:
    """Return the graph of a flow. `live`: it runs on a call, where a hang-up is one."""
    edges = [
        Edge(labels.of(action.id, action.type), way, target)
        for number, action in enumerate(actions)
        for way, target in ways(actions, number, labels, live=live)
    ]
    return Graph(tuple(labels.of(one.id, one.type) for one in actions), tuple(dict.fromkeys(edges)))


def ways(actions: Sequence[Action], number: int, labels: Labels, *, live: bool) -> Iterator[tuple[str, str]]:
    """Yield the ways from one action and where they lead."""
    action, option = actions[number], actions[number].option or {}
    following = after(actions, number, labels)
    if not live and public_executors()[action.type].media is Media.RTC:
        yield "next", following
    elif action.type == "branch":
        yield from branches(option, labels)
    elif action.type == "goto":
        yield from jumps(option, labels, following)
    elif action.type.startswith("condition_"):
        yield "true", following
        yield from target("false", option.get("false_target_id"), labels)
    elif action.type not in LAST:
        yield "next", following


def after(actions: Sequence[Action], number: int, labels: Labels) -> str:
    """Return what comes after an action that sends the flow nowhere else."""
    wanted = actions[number].next_id
    if wanted not in (NIL, FINISH):
        return labels.of(wanted, "")
    last = wanted == FINISH or number + 1 == len(actions)
    return END if last else labels.of(actions[number + 1].id, actions[number + 1].type)


def branches(option: Mapping[str, Any], labels: Labels) -> Iterator[tuple[str, str]]:
    """Yield the ways of a branch."""
    targets = option.get("target_ids") or {}
    for value, target_id in targets.items():
        yield from target(str(value), target_id, labels)
    yield from target("default", option.get("default_target_id"), labels)


def jumps(option: Mapping[str, Any], labels: Labels, following: str) -> Iterator[tuple[str, str]]:
    """Yield the ways of a goto: without a count it never goes past, with none left it never jumps."""
    count = option.get("loop_count")
    if count is None or (isinstance(count, int) and count > 0):
        yield from target("jump", option.get("target_id"), labels)
    if count is not None:
        yield "next", following


def target(way: str, target_id: Any, labels: Labels) -> Iterator[tuple[str, str]]:
    """Yield a way that leads somewhere; one that ends in an error or is known only when it runs is none."""
    label = labels.by_id.get(str(target_id or ""))
    if label:
        yield way, label
