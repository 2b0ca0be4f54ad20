"""A flow as a graph: actions and stacks as nodes, what may follow what as edges, and the path that was taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from flowmanager.core.ids import FINISH, MAIN, NIL, Id
from flowmanager.trace.labels import brief, is_id
from flowmanager.trace.model import PlannedAction, PlannedFrame, Trace, TracedStep

Key = tuple[Id, Id]
"""Stack and action."""

BEGIN: Key = ("", "begin")
END: Key = ("", "end")
LAST = frozenset({"stop", "hangup", "goto", "branch"})
"""Types that are not followed by the next action of their list, unless `goto` counts its jumps."""


@dataclass(slots=True, kw_only=True)
class Node:
    """An action. `steps` are the numbers of the steps in which it ran, the first step is 1."""

    key: Key
    type: str
    text: str = ""
    steps: list[int] = field(default_factory=list)
    result: str = ""
    """Of the latest step; `planned` in a template."""
    current: bool = False

    @property
    def visited(self) -> bool:
        """Whether the path went through it."""
        return bool(self.steps) or self.current


@dataclass(slots=True, kw_only=True)
class Group:
    """A stack of actions: a node too, seen from the stack in which it was pushed."""

    key: Key
    title: str
    nodes: list[Node] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    omitted: int = 0

    @property
    def visited(self) -> bool:
        """Whether the path went through it."""
        return any(node.visited for node in self.nodes) or any(group.visited for group in self.groups)


@dataclass(slots=True, kw_only=True)
class Edge:
    """What may follow what, inside one stack; nested stacks count as nodes of it."""

    source: Key
    target: Key
    label: str = ""
    taken: int = 0


@dataclass(slots=True)
class Builder:
    """Builds the groups of all stacks and draws the path through them.

    Stacks that the same action pushed are one group, however often it did: a caller may hear a wait flow for an hour.
    """

    groups: dict[Id, Group] = field(default_factory=dict)
    parents: dict[Id, Key] = field(default_factory=dict)
    """Where each stack was pushed; the action is empty when that is not known."""
    pushed_at: dict[Key, Id] = field(default_factory=dict)
    """The stack that stands for all that were pushed there."""
    same: dict[Id, Id] = field(default_factory=dict)
    """The stack that stands for a stack."""
    nodes: dict[Key, Node] = field(default_factory=dict)

    def learn(self, stack_id: Id, place: Key) -> None:
        """Learn where a stack was pushed; what was learned first counts."""
        if stack_id in self.same or stack_id == MAIN:
            return
        there = self.key(*place)
        self.same[stack_id] = self.pushed_at.setdefault(there, stack_id) if there[1] else stack_id
        self.parents.setdefault(self.same[stack_id], there)

    def key(self, stack_id: Id, action_id: Id) -> Key:
        """Return the key of an action, in the stack that stands for its own."""
        return self.same.get(stack_id, stack_id), action_id

    def learn_all(self, frames: Sequence[PlannedFrame], steps: Sequence[TracedStep]) -> None:
        """Learn where stacks were pushed: the history knows it of those that are gone."""
        for step in steps:
            if step.details.get("pushed"):
                self.learn(step.details["pushed"], (step.stack_id, step.action_id))
        for frame in frames:
            if frame.parent is not None:
                self.learn(frame.id, (frame.parent[0], "" if frame.at else frame.parent[1]))

    def plan(self, frames: Sequence[PlannedFrame]) -> None:
        """Add the stacks that are there, with all their actions."""
        for frame in frames:
            stack_id, _ = self.key(frame.id, "")
            self.group(stack_id).omitted = frame.omitted
            for action in frame.actions:
                self.node((stack_id, action.id), action.type, brief(action.type, action.option))

    def group(self, stack_id: Id) -> Group:
        """Return the group of a stack, a new one when it is met first."""
        if stack_id not in self.groups:
            self.groups[stack_id] = Group(key=("", stack_id), title="")
        return self.groups[stack_id]

    def node(self, key: Key, action_type: str, text: str) -> Node:
        """Return the node of an action, a new one when it is met first."""
        if key not in self.nodes:
            self.nodes[key] = Node(key=key, type=action_type, text=text)
            self.group(key[0]).nodes.append(self.nodes[key])
        return self.nodes[key]

    def visit(self, steps: Sequence[TracedStep], current: TracedStep | None) -> list[Key]:
        """Mark what was executed; return the path. A stack that is gone by now has its executed actions only."""
        path = [BEGIN]
        for step in (*steps, *([current] if current else ())):
            if step.stack_id != MAIN and step.stack_id not in self.same:
                self.learn(step.stack_id, (path[-1] if path[-1] != BEGIN else (MAIN, "")))
            node = self.node(self.key(step.stack_id, step.action_id), step.type, brief(step.type, step.option))
            path.append(node.key)
            if step is current:
                node.current = True
            else:
                node.steps.append(step.seq + 1)
                node.result = step.result
        return path

    def connect(self, frames: Sequence[PlannedFrame]) -> None:
        """Add the edges that the flow has. What an action pushed comes between it and what follows it."""
        for frame in frames:
            for number, action in enumerate(frame.actions):
                following = frame.actions[number + 1].id if number + 1 < len(frame.actions) else FINISH
                source = self.key(frame.id, action.id)
                pushed = self.pushed_at.get(source)
                for label, target in followers(action, following):
                    after = self.target(source[0], target)
                    self.edge(source if pushed is None else ("", pushed), after, label)
            if frame.at and frame.parent is not None:
                self.edge(("", frame.id), self.target(*frame.parent))
        for source, stack_id in self.pushed_at.items():
            if source in self.nodes and stack_id in self.groups:
                self.edge(source, ("", stack_id))

    def target(self, stack_id: Id, action_id: Id) -> Key | None:
        """Return the node of a target: in the same stack or one that it returns to."""
        if action_id == FINISH:
            return END if stack_id == MAIN else None
        seen: set[Id] = set()
        while stack_id not in seen:
            seen.add(stack_id)
            if (stack_id, action_id) in self.nodes:
                return stack_id, action_id
            stack_id = self.parents.get(stack_id, (MAIN, ""))[0]
        return None

    def edge(self, source: Key, target: Key | None, label: str = "", *, taken: int = 0) -> None:
        """Add an edge on the level where both ends are to be seen; one that is there is taken once more."""
        if target is None:
            return
        level, first, second = self.level(source, target)
        edges = self.groups[level].edges
        known = [one for one in edges if (one.source, one.target) == (first, second)]
        if taken and known:
            known[0].taken += taken
        elif not any(one.label == label for one in known) and (first != second or source == target):
            edges.append(Edge(source=first, target=second, label=label, taken=taken))

    def level(self, source: Key, target: Key) -> tuple[Id, Key, Key]:
        """Return the innermost stack that holds both, and what stands there for each."""
        ways = [dict(self.way(source)), dict(self.way(target))]
        level = next((stack for stack in ways[0] if stack in ways[1]), MAIN)
        return level, ways[0].get(level, source), ways[1].get(level, target)

    def way(self, key: Key) -> list[tuple[Id, Key]]:
        """Return the stacks that hold a node, the innermost first, with what stands for it in each."""
        if key in (BEGIN, END):
            return [(MAIN, key)]
        stack_id, found = key[0], [key]
        if not stack_id:
            stack_id, found = self.parents.get(key[1], (MAIN, ""))[0], [key]
        ways, seen = [(stack_id, found[0])], {stack_id}
        while stack_id in self.parents:
            inner, stack_id = stack_id, self.parents[stack_id][0]
            if stack_id in seen:
                break
            seen.add(stack_id)
            ways.append((stack_id, ("", inner)))
        return ways

    def walk(self, path: Sequence[Key]) -> None:
        """Draw the path."""
        for source, target in pairwise(path):
            self.edge(source, target, taken=1)

    def nest(self) -> Group:
        """Put each stack into the one in which it was pushed; return the main one."""
        main = self.group(MAIN)
        for stack_id, group in self.groups.items():
            if stack_id == MAIN:
                continue
            place = self.parents.get(stack_id, (MAIN, ""))
            group.title = f"pushed by {self.nodes[place].type}" if place in self.nodes else "pushed actions"
            self.groups.get(place[0], main).groups.append(group)
        return main


def followers(action: PlannedAction, following: Id) -> Iterator[tuple[str, Id]]:
    """Yield label and target of everything that may come after an action."""
    yield from ((target.label, target.id) for target in action.targets)
    if action.next_id != NIL:
        yield "", action.next_id
    elif action.type not in LAST or (action.type == "goto" and action.option.get("loop_count") is not None):
        yield "", following
    elif action.type in ("stop", "hangup"):
        yield "", FINISH


def graph_of_trace(trace: Trace) -> Group:
    """Return the graph of a trace, with the path that was taken."""
    builder = Builder()
    builder.learn_all(trace.frames, trace.steps)
    builder.plan(trace.frames)
    path = builder.visit(trace.steps, trace.current)
    builder.group(MAIN)
    builder.connect(trace.frames)
    over = trace.ended and trace.next_since is None and trace.current is None
    builder.walk([*path[1 if trace.since else 0 :], *([END] if over else ())])
    builder.edge(BEGIN, first_of(trace.frames))
    return builder.nest()


def graph_of_flow(actions: Sequence[PlannedAction]) -> Group:
    """Return the graph of a template."""
    builder, frames = Builder(), [PlannedFrame(id=MAIN, actions=tuple(actions))]
    builder.plan(frames)
    for (_, name), node in builder.nodes.items():
        node.result = "planned"
        node.type = f"{node.type} · {name}" if is_name(name) else node.type
    builder.connect(frames)
    builder.edge(BEGIN, first_of(frames))
    return builder.nest()


def is_name(action_id: str) -> bool:
    """Say whether the author of a flow gave an action a name."""
    return not is_id(action_id) and not action_id.startswith("actions[")


def first_of(frames: Sequence[PlannedFrame]) -> Key:
    """Return where a flow begins."""
    return next(((MAIN, frame.actions[0].id) for frame in frames if frame.id == MAIN and frame.actions), END)
