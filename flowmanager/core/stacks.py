"""Frames of actions, nested by return addresses, and the rules for finding the next action in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property
from types import MappingProxyType

from flowmanager.core.action import Action
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import FINISH, MAIN, NIL, START, Id

NOTHING: Mapping[Id, int] = MappingProxyType({})
RESERVED = (START, FINISH)
"""As a `next_id` they have a meaning of their own."""


@frozen
class Place:
    """An action inside a frame; the action START is the place before the frame's first action."""

    stack_id: Id
    action_id: Id


@frozen
class Return:
    """Where a frame goes on when it is finished: after the action of `place`, or, with `at`, at that action."""

    place: Place
    at: bool = False


@frozen(slots=False)
class Frame:
    """A stack of actions, its return address (none: the main frame) and how often each of its gotos has jumped."""

    id: Id
    actions: tuple[Action, ...]
    returns: Return | None = None
    goto_counts: Mapping[Id, int] = field(default_factory=lambda: NOTHING)

    @cached_property
    def positions(self) -> Mapping[Id, int]:
        """Return where each action stands; of several with the same id the first counts."""
        last = len(self.actions) - 1
        return {action.id: last - number for number, action in enumerate(reversed(self.actions))}

    def index(self, action_id: Id) -> int | None:
        """Return the position of the first action with that id."""
        return self.positions.get(action_id)

    def first(self) -> Place | None:
        """Return the place of the first action, if there is one."""
        return Place(self.id, self.actions[0].id) if self.actions else None

    @cached_property
    def successors(self) -> dict[Id, Place]:
        """What was found out by `after`: it is asked for each step, and frames of flows are kept in memory."""
        return {}

    def after(self, action_id: Id) -> Place | None:
        """Return what follows an action inside the frame: by its `next_id`, else the next item. None: nothing here."""
        known = self.successors.get(action_id)
        if known is None:
            known = self.found_after(action_id)
            if known is not None:
                self.successors[action_id] = known
        return known

    def found_after(self, action_id: Id) -> Place | None:
        """Look for it."""
        if action_id == START:
            return self.first()
        number = self.index(action_id)
        if number is None:
            return None
        target = self.actions[number].next_id
        if target == NIL:
            return Place(self.id, self.actions[number + 1].id) if number + 1 < len(self.actions) else None
        return Place(self.id, target) if target not in RESERVED and self.index(target) is not None else None


@frozen
class StackMap:
    """All frames of an activeflow by id; the main frame is always among them."""

    frames: Mapping[Id, Frame]

    @staticmethod
    def of(actions: tuple[Action, ...]) -> StackMap:
        """Return a map that holds the main frame only."""
        return StackMap({MAIN: Frame(MAIN, actions)})

    def action(self, place: Place) -> Action | None:
        """Return the action at a place, None when there is none (START counts as none)."""
        frame = self.frames.get(place.stack_id)
        if frame is None:
            return None
        number = frame.positions.get(place.action_id)
        return None if number is None else frame.actions[number]

    def holds(self, place: Place) -> bool:
        """Say whether the place is an existing action or the start of an existing frame."""
        return place.stack_id in self.frames and (place.action_id == START or self.action(place) is not None)

    def chain(self, stack_id: Id) -> Iterator[Frame]:
        """Yield the frame and those it returns to, innermost first; a frame is met once."""
        met = set()
        frame = self.frames.get(stack_id)
        while frame is not None and frame.id not in met:
            yield frame
            met.add(frame.id)
            frame = self.frames.get(frame.returns.place.stack_id) if frame.returns else None

    def depth(self, stack_id: Id) -> int:
        """Return how many frames lie below this one: 0 for the main frame."""
        return max(sum(1 for _ in self.chain(stack_id)) - 1, 0) if stack_id != MAIN else 0

    def find(self, stack_id: Id, action_id: Id) -> Place | None:
        """Find a target from a frame outward. START means the first action of the main frame, seen from there only."""
        if action_id == START:
            return self.frames[MAIN].first() if stack_id == MAIN else None
        for frame in self.chain(stack_id):
            if frame.index(action_id) is not None:
                return Place(frame.id, action_id)
        return None

    def following(self, place: Place) -> Place | None:
        """Return where to go after a place: `next_id`, else the next item, else the return address. None: finished."""
        frame = self.frames.get(place.stack_id)
        return (frame.after(place.action_id) or self.beyond(place)) if frame else None

    def beyond(self, place: Place) -> Place | None:
        """Return where to go after a place when its frame holds nothing that follows it."""
        action_id = place.action_id
        for frame in self.chain(place.stack_id):
            inside = frame.after(action_id)
            if inside is not None:
                return inside
            number = frame.index(action_id)
            if number is None and action_id != START:
                return None
            target = NIL if number is None else frame.actions[number].next_id
            if target != NIL:
                return None if target == FINISH else self.find(frame.id, target)
            if frame.returns is None:
                return None
            if frame.returns.at and self.action(frame.returns.place):
                return frame.returns.place
            action_id = frame.returns.place.action_id
        return None

    def push(self, frame: Frame) -> StackMap:
        """Return the map with one more frame."""
        return StackMap({**self.frames, frame.id: frame})

    def replace(self, frame: Frame) -> StackMap:
        """Return the map with a frame in its new form."""
        return StackMap({**self.frames, frame.id: frame})

    def prune(self, stack_id: Id) -> StackMap:
        """Return the map with the frames that are still to be finished, seen from the frame now on top."""
        if len(self.frames) == 1:
            return self
        alive = {frame.id: frame for frame in self.chain(stack_id)}
        alive.setdefault(MAIN, self.frames[MAIN])
        return self if len(alive) == len(self.frames) else StackMap(alive)

    def without(self, stack_id: Id) -> StackMap:
        """Return the map without a frame and all frames nested in it."""
        nested = {key for key in self.frames if any(frame.id == stack_id for frame in self.chain(key))}
        return StackMap({key: frame for key, frame in self.frames.items() if key not in nested})

    def insert_after(self, place: Place, actions: tuple[Action, ...]) -> StackMap:
        """Return the map with actions inserted after a place; what followed follows the inserted ones."""
        if not actions:
            return self
        frame = self.frames[place.stack_id]
        number = frame.index(place.action_id)
        if number is None:
            return self.replace(replace(frame, actions=actions + frame.actions))
        *before, current = frame.actions[: number + 1]
        *inserted, last = actions
        if last.next_id == NIL:
            last = replace(last, next_id=current.next_id)
        around = (*before, replace(current, next_id=NIL), *inserted, last)
        return self.replace(replace(frame, actions=around + frame.actions[number + 1 :]))

    def count_goto(self, place: Place) -> StackMap:
        """Return the map with one more jump counted for the goto at a place."""
        frame = self.frames[place.stack_id]
        jumped = frame.goto_counts.get(place.action_id, 0) + 1
        return self.replace(replace(frame, goto_counts={**frame.goto_counts, place.action_id: jumped}))
