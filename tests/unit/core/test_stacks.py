"""Where the next action is, in nested frames."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.action import Action
from flowmanager.core.ids import FINISH, MAIN, NIL, START, Id
from flowmanager.core.stacks import Frame, Place, Return, StackMap
from tests.unit.core.builders import actions, known, place, stack_map, words

ALL = ("a", "b", "c", "d", "x", "y", "z", "S", "T")

NESTED = stack_map("a b c", S="main.b: x y", T="S.x: z")
LAST = stack_map("a b", S="main.b: x", T="S.x: z")
AT = stack_map("a b c", S="@main.c: x", T="@S.x: z")

FOLLOWING: list[tuple[str, StackMap, str, str]] = [
    ("the first action comes first", stack_map("a b"), "main.start", "main.a"),
    ("then the next item", stack_map("a b"), "main.a", "main.b"),
    ("after the last one the flow is finished", stack_map("a b"), "main.b", ""),
    ("an empty flow is finished at once", stack_map(""), "main.start", ""),
    ("an action that is not there has nothing behind it", stack_map("a"), "main.x", ""),
    ("a frame that is not there neither", stack_map("a"), "S.a", ""),
    ("next_id goes forward", stack_map("a>c b c"), "main.a", "main.c"),
    ("next_id goes back", stack_map("a b>a"), "main.b", "main.a"),
    ("next_id may be the action itself", stack_map("a>a b"), "main.a", "main.a"),
    ("an unknown next_id finishes the flow", stack_map("a>x b"), "main.a", ""),
    ("next_id finish finishes it", stack_map("a>finish b"), "main.a", ""),
    ("next_id start of the main frame is its first action", stack_map("a b>start"), "main.b", "main.a"),
    ("next_id start of another frame finishes the flow", stack_map("a b", S="main.a: x>start"), "S.x", ""),
    ("next_id is searched in outer frames too", stack_map("a b c", S="main.a: x>c"), "S.x", "main.c"),
    ("but not in inner ones", stack_map("a>x b", S="main.a: x"), "main.a", ""),
    ("the own frame is searched first", stack_map("a b", S="main.a: a>b b"), "S.a", "S.b"),
    ("the first of equal ids is meant", stack_map("a b a c"), "main.a", "main.b"),
    ("a frame begins with its first action", NESTED, "S.start", "S.x"),
    ("a finished frame returns after its return address", NESTED, "T.z", "S.y"),
    ("and that one after its own", NESTED, "S.y", "main.c"),
    ("several frames can be finished at once", stack_map("a b c", S="main.b: x", T="S.x: z"), "T.z", "main.c"),
    ("until nothing is left", LAST, "T.z", ""),
    ("return at: with the action itself", AT, "S.x", "main.c"),
    ("at an action of another frame", AT, "T.z", "S.x"),
    ("the return address's next_id holds", stack_map("a>c b c", S="main.a: x"), "S.x", "main.c"),
    ("its next_id may finish the flow", stack_map("a>finish b", S="main.a: x"), "S.x", ""),
    ("return to start: the first action", stack_map("a b", S="main.start: x"), "S.x", "main.a"),
    ("return at start: the same", stack_map("a b", S="@main.start: x"), "S.x", "main.a"),
    ("return to start of an empty flow", stack_map("", S="main.start: x"), "S.x", ""),
    ("return at an action that is gone", stack_map("a b", S="@main.x: y"), "S.y", ""),
    ("return to an action that is gone", stack_map("a b", S="main.x: y"), "S.y", ""),
    ("return to a frame that is gone", stack_map("a b", S="T.z: y"), "S.y", ""),
    ("an empty frame is passed through", stack_map("a b", S="main.a:"), "S.start", "main.b"),
    ("frames that return to each other finish the flow", stack_map("a", S="T.z: x", T="S.x: z"), "S.x", ""),
]

FIND: list[tuple[str, StackMap, str, str, str]] = [
    ("in the frame itself", NESTED, "S", "y", "S.y"),
    ("in the frame it returns to", NESTED, "S", "a", "main.a"),
    ("outward through all frames", NESTED, "T", "c", "main.c"),
    ("never inward", NESTED, "main", "x", ""),
    ("nowhere", NESTED, "T", "d", ""),
    ("from a frame that is not there", NESTED, "x", "a", ""),
    ("the own frame's action wins", stack_map("a b", S="main.a: b"), "S", "b", "S.b"),
    ("start means the first action of the main frame", NESTED, "main", "start", "main.a"),
    ("seen from there only", NESTED, "S", "start", ""),
    ("an empty main frame has none", stack_map(""), "main", "start", ""),
    ("finish is no action", NESTED, "main", "finish", ""),
    ("frames that return to each other", stack_map("a", S="T.z: x", T="S.x: z"), "S", "a", ""),
]


@pytest.mark.parametrize(
    ("stacks", "here", "expected"), [case[1:] for case in FOLLOWING], ids=[c[0] for c in FOLLOWING]
)
def test_what_follows(stacks: StackMap, here: str, expected: str) -> None:
    """The case's name says the rule."""
    assert words(stacks.following(place(here)), *ALL) == expected


@pytest.mark.parametrize(("stacks", "stack", "target", "expected"), [c[1:] for c in FIND], ids=[c[0] for c in FIND])
def test_how_a_target_is_found(stacks: StackMap, stack: str, target: str, expected: str) -> None:
    """The case's name says the rule."""
    assert words(stacks.find(known(stack), known(target)), *ALL) == expected


@pytest.mark.parametrize(("stack", "chain"), [("main", "main"), ("S", "S main"), ("T", "T S main"), ("x", "")])
def test_the_chain_goes_outward(stack: str, chain: str) -> None:
    """Innermost first; the depth counts the frames below."""
    found = [frame.id for frame in NESTED.chain(known(stack))]
    assert found == [known(word) for word in chain.split()]
    assert NESTED.depth(known(stack)) == max(len(found) - 1, 0)


SIDE = stack_map("a b", S="main.a: x", T="S.x: z", U="main.b: y", V="U.y: w")


@pytest.mark.parametrize(
    ("top", "kept"), [("T", "main S T"), ("S", "main S"), ("V", "main U V"), ("main", "main"), ("gone", "main")]
)
def test_finished_frames_are_dropped(top: str, kept: str) -> None:
    """Only the main frame and those that are still to be finished stay."""
    assert set(SIDE.prune(known(top)).frames) == {known(word) for word in kept.split()}


@pytest.mark.parametrize(
    ("released", "kept"), [("S", "main U V"), ("T", "main S U V"), ("V", "main S T U"), ("gone", "main S T U V")]
)
def test_a_frame_goes_with_all_nested_in_it(released: str, kept: str) -> None:
    """The others stay."""
    assert set(SIDE.without(known(released)).frames) == {known(word) for word in kept.split()}


INSERTIONS: list[tuple[str, str, str, str, str]] = [
    ("behind an action, successors kept", "x y z", "S.x", "m n", "x m n y z"),
    ("behind the last one", "x y", "S.y", "m", "x y m"),
    ("before the first one", "x y", "S.start", "m", "m x y"),
    ("nothing", "x>z y z", "S.x", "", "x>z y z"),
    ("next_id moves to the last new one", "x>z y z", "S.x", "m n", "x m n>z y z"),
    ("unless that has its own", "x>z y z", "S.x", "m n>y", "x m n>y y z"),
]


@pytest.mark.parametrize(
    ("frame", "here", "added", "expected"), [c[1:] for c in INSERTIONS], ids=[c[0] for c in INSERTIONS]
)
def test_inserted_actions_run_next(frame: str, here: str, added: str, expected: str) -> None:
    """And then what would have run without them."""
    stacks = stack_map("a b", S=f"main.a: {frame}").insert_after(place(here), actions(added))
    assert stacks.frames[known("S")].actions == actions(expected)
    assert stacks.frames[MAIN].actions == actions("a b")


def test_gotos_are_counted_by_frame() -> None:
    """The same action in another frame has a counter of its own."""
    stacks = stack_map("a", S="main.a: a").count_goto(place("S.a")).count_goto(place("S.a")).count_goto(place("main.a"))
    assert stacks.frames[known("S")].goto_counts == {known("a"): 2}
    assert stacks.frames[MAIN].goto_counts == {known("a"): 1}


def test_an_empty_frame_has_no_first_action() -> None:
    """The others have."""
    assert Frame(MAIN, ()).first() is None
    assert words(Frame(MAIN, actions("a b")).first(), "a") == "main.a"


FRAME_IDS = [MAIN, NIL, *map(known, "STU")]
ACTION_IDS = [START, FINISH, NIL, *map(known, "abcd")]
places = some.builds(Place, some.sampled_from(FRAME_IDS), some.sampled_from(ACTION_IDS))
steps = some.builds(
    Action, some.sampled_from(ACTION_IDS[3:]), some.just("empty"), some.none(), some.sampled_from(ACTION_IDS)
)


@some.composite
def stack_maps(draw: some.DrawFn) -> StackMap:
    """Any frames: next ids in circles, return addresses to each other and to nowhere."""
    lists: some.SearchStrategy[Sequence[Action]] = some.lists(steps, max_size=4)
    frames = {MAIN: Frame(MAIN, tuple(draw(lists)))}
    for stack_id in draw(some.sets(some.sampled_from(FRAME_IDS[1:]))):
        back = draw(some.none() | some.builds(Return, places, some.booleans()))
        frames[stack_id] = Frame(stack_id, tuple(draw(lists)), back)
    return StackMap(frames)


@given(stack_maps(), places)
def test_what_follows_exists(stacks: StackMap, here: Place) -> None:
    """From any place, in any frames, there is an answer, and it is an action."""
    found = stacks.following(here)
    assert found is None or stacks.action(found) is not None


@given(stack_maps(), some.sampled_from(FRAME_IDS), some.sampled_from(ACTION_IDS))
def test_what_is_found_exists_and_is_reachable(stacks: StackMap, stack_id: Id, target_id: Id) -> None:
    """It lies in a frame of the chain; start stands for the main frame's first action."""
    found = stacks.find(stack_id, target_id)
    if found is None:
        return
    assert stacks.holds(found)
    assert found.stack_id in {frame.id for frame in stacks.chain(stack_id)}
    assert target_id in (START, found.action_id)


@given(stack_maps(), some.sampled_from(FRAME_IDS))
def test_pruning_keeps_main_and_the_chain(stacks: StackMap, top: Id) -> None:
    """And nothing else; pruning again changes nothing."""
    chain = {frame.id for frame in stacks.chain(top)}
    pruned = stacks.prune(top)
    assert set(pruned.frames) == {MAIN, *chain}
    assert pruned.prune(top) is pruned


@given(stack_maps(), some.sampled_from(FRAME_IDS), places)
def test_pruning_does_not_change_what_follows(stacks: StackMap, top: Id, here: Place) -> None:
    """As long as one stands in the chain."""
    if here.stack_id in {frame.id for frame in stacks.chain(top)}:
        assert stacks.prune(top).following(here) == stacks.following(here)


@given(stack_maps(), some.sampled_from(FRAME_IDS[1:]))
def test_without_leaves_nothing_that_returns_into_the_frame(stacks: StackMap, gone: Id) -> None:
    """Every frame that stays keeps its whole chain."""
    rest = stacks.without(gone)
    assert gone not in rest.frames
    for stack_id in rest.frames:
        assert list(rest.chain(stack_id)) == list(stacks.chain(stack_id))


@given(stack_maps(), places)
def test_holding_a_place(stacks: StackMap, here: Place) -> None:
    """An existing frame's start or action."""
    frame = stacks.frames.get(here.stack_id)
    inside = frame is not None and here.action_id in {START, *(action.id for action in frame.actions)}
    assert stacks.holds(here) is inside


@given(stack_maps(), some.sampled_from(FRAME_IDS))
def test_the_depth_is_finite(stacks: StackMap, stack_id: Id) -> None:
    """At most all other frames lie below."""
    assert 0 <= stacks.depth(stack_id) < max(len(stacks.frames), 1)


@given(stack_maps(), places, some.lists(steps, max_size=3).map(tuple))
def test_inserting_loses_no_action(stacks: StackMap, here: Place, added: tuple[Action, ...]) -> None:
    """The ids of the frame are what they were, with the new ones in one row among them."""
    if here.stack_id not in stacks.frames:
        return
    before = [action.id for action in stacks.frames[here.stack_id].actions]
    after = [action.id for action in stacks.insert_after(here, added).frames[here.stack_id].actions]
    new = [action.id for action in added]
    assert any(after == before[:cut] + new + before[cut:] for cut in range(len(before) + 1))


@given(stack_maps(), places)
def test_a_count_rises_by_one(stacks: StackMap, here: Place) -> None:
    """Everything else stays."""
    if here.stack_id in stacks.frames:
        counted = stacks.count_goto(here)
        assert counted.frames[here.stack_id].goto_counts == {here.action_id: 1}
        assert counted.frames[here.stack_id].actions == stacks.frames[here.stack_id].actions
