"""The graph of a flow agrees with the engine: what comes after an action, and where a jump leads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.action import Action
from flowmanager.core.ids import MAIN, NIL
from flowmanager.core.stacks import Place, StackMap
from flowmanager.lint.flowing import arriving
from flowmanager.lint.graph import END, Graph
from flowmanager.lint.reader import Reader
from flowmanager.lint.template import Template
from tests.unit.lint.builders import IDS, act, known, talk

IDENTIFIERS = IDS.filter(lambda one: len(one) == 36)
OWN = some.sampled_from([known(1), known(2), NIL])


def template(*actions: Any) -> Template:
    """A flow."""
    return Reader(1000).read(list(actions)).flow


@given(some.lists(some.tuples(OWN, IDENTIFIERS), min_size=1, max_size=7))
def test_what_comes_after_an_action_is_what_the_engine_says(ids: list[tuple[str, str]]) -> None:
    """Whatever next_id is, and however many actions share an id."""
    flow = template(*(act("talk", id=own, next_id=following) for own, following in ids))
    stacks = StackMap.of(tuple(step.action for step in flow.steps))
    [frame] = stacks.frames.values()
    for step in flow.steps:
        if frame.index(step.action.id) != step.number:
            continue
        place = stacks.following(Place(MAIN, step.action.id))
        expected = END if place is None else frame.index(place.action_id)
        assert flow.graph.after[step.number] == expected


@given(some.lists(OWN, min_size=1, max_size=5), IDENTIFIERS)
def test_a_jump_leads_where_the_engine_goes(ids: list[str], target: str) -> None:
    """What the engine does not find ends the flow."""
    flow = template(*(act("talk", id=one) for one in ids), act("goto", target_id=target))
    stacks = StackMap.of(tuple(step.action for step in flow.steps))
    place = stacks.find(MAIN, target) if target != NIL else None
    expected = END if place is None else stacks.frames[MAIN].index(place.action_id)
    assert flow.graph.jumps[len(ids)] == (expected,)


@pytest.mark.parametrize(
    ("action", "ways"),
    [
        (talk(), [1]),
        (act("stop"), []),
        (act("goto", target_id="c"), [2]),
        (act("goto", target_id="c", loop_count=2), [2, 1]),
        (act("goto", target_id="c", loop_count=0), [1]),
        (act("goto", target_id="c", loop_count=-1), [1]),
        (act("goto"), [END]),
        (act("branch", target_ids={"1": "b", "2": "c"}, default_target_id="a"), [1, 2, 0]),
        (act("branch", target_ids={"1": "c"}), [2, END]),
        (act("condition_variable", false_target_id="c"), [2, 1]),
        (act("condition_datetime", false_target_id="c"), [2, 1]),
        (act("condition_call_digits", false_target_id="c"), [2, 1]),
        (act("condition_call_status"), [END, 1]),
        (act("nothing"), [1]),
        (talk(next_id="c"), [2]),
        (act("hangup"), [1]),
    ],
)
def test_the_ways_from_an_action(action: Any, ways: list[int]) -> None:
    """Jumps first, then what follows."""
    graph = template({**action, "id": "a"}, talk(id="b"), talk(id="c")).graph
    assert list(graph.ways[0]) == ways
    assert not graph.open


@pytest.mark.parametrize(
    "action",
    [
        act("goto", target_id="${x}"),
        act("branch", target_ids={"1": "${x}"}, default_target_id="a"),
        act("condition_variable", false_target_id="${x}"),
        act("goto", target_id="nowhere"),
        talk(next_id="nowhere"),
        act("goto", target_id=5),
    ],
)
def test_nobody_knows_the_way(action: Any) -> None:
    """When a target is known only when the flow runs, or refused."""
    assert template(talk(id="a"), action).graph.open


GRAPHS = some.integers(1, 7).flatmap(
    lambda size: some.lists(some.lists(some.integers(END, size - 1), max_size=3), min_size=size, max_size=size)
)


def graph(ways: list[list[int]]) -> Graph:
    """A graph with these ways."""
    return Graph(after=[END] * len(ways), jumps=[tuple(one) for one in ways], falls=[False] * len(ways))


def behind(ways: list[list[int]], start: int) -> set[int]:
    """All that can be reached from a place by at least one step."""
    found: set[int] = set()
    waiting = list(ways[start])
    while waiting:
        one = waiting.pop()
        if one != END and one not in found:
            found.add(one)
            waiting += ways[one]
    return found


@given(GRAPHS)
def test_reached_places_and_loops(ways: list[list[int]]) -> None:
    """Loops are the groups of reached places that lead to each other."""
    made = graph(ways)
    reached = {0} | behind(ways, 0)
    assert {number for number, here in enumerate(made.reached) if here} == reached
    assert sorted(made.order) == sorted(reached)
    loops = {
        frozenset(other for other in behind(ways, one) if one in behind(ways, other))
        for one in reached
        if one in behind(ways, one)
    }
    assert set(made.loops) == loops
    assert len(made.loops) == len(loops)


@given(GRAPHS, some.lists(some.integers(0, 15), min_size=7, max_size=7))
def test_facts_arrive_along_all_ways(ways: list[list[int]], added: list[int]) -> None:
    """Before each place may hold what any place before it adds."""
    made = graph(ways)
    facts = arriving(made, 16, lambda number, now: [(target, now | added[number]) for target in made.ways[number]])
    assert facts is not None
    for number, found in facts.items():
        expected = 16 if number == 0 or number in behind(ways, 0) else 0
        for other in facts:
            expected |= added[other] if number in behind(ways, other) else 0
        assert found == expected


def test_facts_that_go_to_and_fro_are_given_up() -> None:
    """Nobody writes such a flow; it must not take long."""
    size = 80
    hops = {number: size - 1 - number if number * 2 < size else size - number for number in range(size)}
    made = graph([[(number + 1) % size] for number in range(size)])
    assert arriving(made, 1, lambda number, now: [(hops[number], now)] if hops[number] < size else []) is None


def test_actions_are_values_of_the_engine() -> None:
    """With the ids that names stand for."""
    first, second = template(talk(id="a"), act("goto", target_id="a")).steps
    assert second.action == Action(second.action.id, "goto", {"target_id": first.action.id})
    assert (first.name, second.name, first.told) == ("a", "", "actions[0] (talk)")
    assert template(talk(id=known(1))).steps[0].action.id == known(1)
