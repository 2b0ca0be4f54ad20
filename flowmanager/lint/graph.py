"""Where a flow can go from each of its actions: the rules of `core.stacks` for all actions at once, in linear time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import FINISH, NIL, START, Id
from flowmanager.lint.step import Step

END = -1
"""The flow ends there, well or with an error."""

CONDITIONS = frozenset({"condition_variable", "condition_datetime", "condition_call_digits", "condition_call_status"})
JUMPING = CONDITIONS | {"goto", "branch"}
"""Types that jump."""


@frozen(slots=False)
class Graph:
    """Numbers of actions, `END` for leaving the flow."""

    after: Sequence[int]
    """Where each action goes on when it does not jump."""
    jumps: Sequence[tuple[int, ...]]
    """Where each action may jump."""
    falls: Sequence[bool]
    """Whether it may go on without a jump."""
    open: bool = False
    """A target is known only when the flow runs, or is refused: nobody can say where it goes."""

    @cached_property
    def ways(self) -> Sequence[tuple[int, ...]]:
        """All places that come after each action."""
        rows = zip(self.after, self.jumps, self.falls, strict=True)
        return [jumps + ((after,) if falls else ()) for after, jumps, falls in rows]

    @cached_property
    def reached(self) -> Sequence[bool]:
        """Whether a flow that starts at its first action can come to each."""
        found = [False] * len(self.after)
        waiting = [0] if found else []
        while waiting:
            number = waiting.pop()
            if number == END or found[number]:
                continue
            found[number] = True
            waiting += self.ways[number]
        return found

    @cached_property
    def sources(self) -> Sequence[Sequence[int]]:
        """The actions that can be reached and lead to each."""
        found: list[list[int]] = [[] for _ in self.after]
        for number, ways in enumerate(self.ways):
            for target in ways if self.reached[number] else ():
                if target != END:
                    found[target].append(number)
        return found

    @cached_property
    def order(self) -> Sequence[int]:
        """The actions that can be reached, each before those that come after it, as far as loops allow."""
        return list(reversed(list(finished(self.ways, 0, set())))) if self.after else []

    @cached_property
    def loops(self) -> Sequence[frozenset[int]]:
        """The groups of actions that can each come back to themselves through all others."""
        found, seen = [], set[int]()
        for start in self.order:
            if start in seen:
                continue
            group = frozenset(finished(self.sources, start, seen))
            if len(group) > 1 or start in self.ways[start]:
                found.append(group)
        return found

    def leaves(self, group: frozenset[int]) -> bool:
        """Say whether there is a way out of a group of actions."""
        return any(target not in group for number in group for target in self.ways[number])


def finished(ways: Sequence[Iterable[int]], start: int, seen: set[int]) -> Iterator[int]:
    """Walk a graph in depth; yield each place when all behind it is done. Places that were `seen` are not met."""
    seen.add(start)
    path = [(start, iter(ways[start]))]
    while path:
        number, rest = path[-1]
        following = next((one for one in rest if one != END and one not in seen), None)
        if following is None:
            path.pop()
            yield number
        else:
            seen.add(following)
            path.append((following, iter(ways[following])))


def graph_of(steps: Sequence[Step]) -> Graph:
    """Return the graph of a list of actions. Of several actions with one id, only the first is ever found."""
    first: dict[Id, int] = {}
    for step in steps:
        first.setdefault(step.action.id, step.number)
    return Graph(
        after=[after(step, steps, first) for step in steps],
        jumps=[tuple(place(target, first) for _, target in targets(step)) for step in steps],
        falls=[falls(step) for step in steps],
        open=any(is_open(step) for step in steps),
    )


def after(step: Step, steps: Sequence[Step], first: Mapping[Id, int]) -> int:
    """Return where the flow goes on behind an action: `next_id`, else the next item."""
    target = step.action.next_id
    if target != NIL:
        return END if target == FINISH else place(target, first)
    following = step.number + 1
    return first[steps[following].action.id] if following < len(steps) else END


def place(target: Id, first: Mapping[Id, int]) -> int:
    """Return the action that a target means. START is the first one; what is not there ends the flow."""
    return 0 if target == START else first.get(target, END)


def targets(step: Step) -> Iterator[tuple[str, Id]]:
    """Yield the ways by which an action may jump, and the ids where they lead."""
    option = step.option
    if step.type == "goto" and not never_jumps(step):
        yield "jump", option["target_id"]
    elif step.type == "branch":
        yield from option["target_ids"].items()
        yield "default", option["default_target_id"]
    elif step.type in CONDITIONS:
        yield "false", option["false_target_id"]


def falls(step: Step) -> bool:
    """Say whether the flow may go on behind an action without a jump."""
    if step.type == "goto":
        return step.option["loop_count"] is not None or step.is_open("loop_count")
    return step.type not in ("branch", "stop")


def never_jumps(step: Step) -> bool:
    """Say whether a goto never jumps."""
    count = step.option["loop_count"]
    return count is not None and count <= 0


def is_open(step: Step) -> bool:
    """Say whether a place that an action leads to is not known."""
    dynamic = any(step.is_open(key) for key in ("target_id", "target_ids", "default_target_id", "false_target_id"))
    return step.torn or (step.type in JUMPING and dynamic)
