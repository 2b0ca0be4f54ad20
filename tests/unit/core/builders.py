"""Builders for tests of the core: short names for ids, frames as tables, an activeflow that stands somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from flowmanager.core import machine
from flowmanager.core.action import Action
from flowmanager.core.activeflow import Activeflow, State
from flowmanager.core.ids import FINISH, MAIN, NIL, START, Id
from flowmanager.core.limits import Limits
from flowmanager.core.machine import Moment
from flowmanager.core.stacks import Frame, Place, Return, StackMap

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
MOMENT = Moment(LATER, "test")
LIMITS = Limits()
FLOW: Id = "4d2f8a71-0b9e-4f36-8d0c-c1e5a7b3f920"
WORDS = {"nil": NIL, "start": START, "finish": FINISH, "main": MAIN}


def known(word: str) -> Id:
    """Return the id that a word stands for: the same again for the same word."""
    return WORDS.get(word) or str(uuid5(NAMESPACE_OID, word))


def action(line: str) -> Action:
    """Return an action written as `name` or `name>next`."""
    name, _, following = line.partition(">")
    return Action(known(name), "empty", next_id=known(following or "nil"))


def actions(text: str) -> tuple[Action, ...]:
    """Return actions written as words."""
    return tuple(map(action, text.split()))


def place(text: str) -> Place:
    """Return a place written as `frame.action`."""
    stack, _, name = text.partition(".")
    return Place(known(stack), known(name))


def words(found: Place | None, *known_words: str) -> str:
    """Return a place as it would be written with these words; empty: none."""
    if found is None:
        return ""
    names = {known(word): word for word in (*WORDS, *known_words)}
    return f"{names[found.stack_id]}.{names[found.action_id]}"


def returns(text: str) -> Return:
    """Return a return address written as `frame.action` (after it) or `@frame.action` (at it)."""
    return Return(place(text.removeprefix("@")), at=text.startswith("@"))


def stack_map(main: str, **frames: str) -> StackMap:
    """Return frames: `S="main.A: x y"` is the frame S of x and y that returns after A of the main one."""
    made = {MAIN: Frame(MAIN, actions(main))}
    for name, line in frames.items():
        address, _, inside = line.partition(":")
        made[known(name)] = Frame(known(name), actions(inside), returns(address.strip()))
    return StackMap(made)


def activeflow(stacks: StackMap | str = "a b c", cursor: str = "main.start", **changes: Any) -> Activeflow:
    """Return an activeflow that is executing and stands on an action that has begun (none at the start)."""
    stacks = stack_map(stacks) if isinstance(stacks, str) else stacks
    where = place(cursor)
    fields: Mapping[str, Any] = {
        "state": State.EXECUTING,
        "current_action": stacks.action(where) or Action(where.action_id),
        "tm_execute": NOW if stacks.action(where) else None,
        **changes,
    }
    return Activeflow(id=FLOW, stacks=stacks, cursor=where).evolve(**fields)


def run_out(flow: Activeflow, *, most: int = 1000) -> list[Id]:
    """Return the ids of the actions that would run from here if each were simply done."""
    met: list[Id] = []
    while (following := machine.next_place(flow)) is not None and len(met) < most:
        found = flow.stacks.action(following)
        assert found is not None, "the next place does not exist"
        flow = machine.enter(flow, following, found, NOW)
        met.append(found.id)
    return met
