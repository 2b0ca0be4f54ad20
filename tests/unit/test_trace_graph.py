"""Which boxes and lines a trace has, and which of them the path took."""

from __future__ import annotations

from flowmanager.core.ids import FINISH, MAIN
from flowmanager.trace.graph import BEGIN, END, Group, Key, graph_of_flow, graph_of_trace
from flowmanager.trace.marks import look, numbers
from flowmanager.trace.model import read_action
from tests.unit.trace_builders import action, ended, frame, step, trace

WAIT_STACK, SECOND_STACK = "wait-1", "wait-2"


def lines(group: Group) -> set[tuple[str, str, str, int]]:
    """The lines of a stack by the names of their ends."""
    return {(name(one.source), name(one.target), one.label, one.taken) for one in group.edges}


def name(key: Key) -> str:
    """The name of a box."""
    return key[1]


def test_a_flow_without_jumps_is_a_column() -> None:
    graph = graph_of_flow([read_action(action("a")), read_action(action("b"))])
    assert lines(graph) == {("begin", "a", "", 0), ("a", "b", "", 0), ("b", "end", "", 0)}
    assert [look(node) for node in graph.nodes] == ["planned", "planned"]
    assert [node.type for node in graph.nodes] == ["talk · a", "talk · b"]


def test_a_flow_without_actions_ends_at_once() -> None:
    assert lines(graph_of_flow([])) == {("begin", "end", "", 0)}


def test_jumps_have_labels_and_some_actions_are_not_followed_by_the_next() -> None:
    actions = [
        action("ask", "condition_variable", false="bye"),
        action("choose", "branch", **{"1": "again", "default": "bye"}),
        action("again", "goto", **{"": "ask"}),
        action("thrice", "goto", option={"loop_count": 3}, **{"": "ask"}),
        action("skip", next_id="bye"),
        action("over", next_id=FINISH),
        action("bye", "stop"),
    ]
    found = lines(graph_of_flow([read_action(one) for one in actions]))
    assert found == {
        ("begin", "ask", "", 0),
        ("ask", "choose", "", 0),
        ("ask", "bye", "false", 0),
        ("choose", "again", "1", 0),
        ("choose", "bye", "default", 0),
        ("again", "ask", "", 0),
        ("thrice", "ask", "", 0),
        ("thrice", "skip", "", 0),
        ("skip", "bye", "", 0),
        ("over", "end", "", 0),
        ("bye", "end", "", 0),
    }


def test_the_path_is_marked_with_step_numbers() -> None:
    steps = [step(0, "a"), step(1, "b", result="failed"), step(2, "a")]
    graph = graph_of_trace(ended(frame(action("a"), action("b"), action("c")), steps=steps))
    assert [(node.key[1], numbers(node), look(node)) for node in graph.nodes] == [
        ("a", "1 · 3", "seen"),
        ("b", "2", "failed"),
        ("c", "", "unseen"),
    ]
    assert lines(graph) == {
        ("begin", "a", "", 1),
        ("a", "b", "", 1),
        ("b", "a", "", 1),
        ("b", "c", "", 0),
        ("a", "end", "", 1),
        ("c", "end", "", 0),
    }


def test_many_visits_are_told_by_their_number() -> None:
    steps = [step(number, "a") for number in range(9)]
    graph = graph_of_trace(trace(frame(action("a")), steps=steps))
    assert numbers(graph.nodes[0]) == "1 · … · 9 (9x)"


def test_the_cursor_is_marked() -> None:
    graph = graph_of_trace(trace(frame(action("a"), action("b")), steps=[step(0, "a")], current=step(1, "b")))
    assert [look(node) for node in graph.nodes] == ["seen", "here"]
    assert ("a", "b", "", 1) in lines(graph)


def test_a_stack_stands_between_what_pushed_it_and_what_follows() -> None:
    main = frame(action("join", "queue_join"), action("after"))
    wait = frame(action("hold"), name=WAIT_STACK, parent=(MAIN, "join"))
    steps = [step(0, "join", "queue_join", pushed=WAIT_STACK)]
    graph = graph_of_trace(trace(main, wait, steps=steps, current=step(1, "hold", stack=WAIT_STACK)))
    [inner] = graph.groups
    assert (inner.title, [node.key[1] for node in inner.nodes], inner.visited) == (
        "pushed by queue_join",
        ["hold"],
        True,
    )
    assert lines(graph) == {
        ("begin", "join", "", 1),
        ("join", WAIT_STACK, "", 1),
        (WAIT_STACK, "after", "", 0),
        ("after", "end", "", 0),
    }


def test_a_stack_that_is_gone_is_drawn_from_the_history() -> None:
    """The record holds it no more."""
    steps = [step(0, "join", pushed=WAIT_STACK), step(1, "hold", stack=WAIT_STACK), step(2, "after")]
    graph = graph_of_trace(ended(frame(action("join"), action("after")), steps=steps))
    assert [(inner.title, len(inner.nodes)) for inner in graph.groups] == [("pushed by talk", 1)]
    assert (WAIT_STACK, "after", "", 1) in lines(graph)


def test_stacks_that_one_action_pushed_again_and_again_are_one() -> None:
    """A caller may hear a wait flow for an hour."""
    steps = [
        step(0, "fetch", pushed=WAIT_STACK),
        step(1, "hold", stack=WAIT_STACK),
        step(2, "fetch", pushed=SECOND_STACK),
        step(3, "hold", stack=SECOND_STACK),
    ]
    graph = graph_of_trace(trace(frame(action("fetch", next_id="fetch")), steps=steps))
    [inner] = graph.groups
    assert [numbers(node) for node in inner.nodes] == ["2 · 4"]
    assert ("fetch", WAIT_STACK, "", 2) in lines(graph)
    assert (WAIT_STACK, "fetch", "", 1) in lines(graph)


def test_actions_that_a_request_pushed_hang_where_they_were_met() -> None:
    steps = [step(0, "a"), step(1, "extra", stack="api"), step(2, "b")]
    graph = graph_of_trace(ended(frame(action("a"), action("b")), steps=steps))
    assert [inner.title for inner in graph.groups] == ["pushed by talk"]
    assert {("a", "api", "", 1), ("api", "b", "", 1)} <= lines(graph)


def test_a_stack_that_returns_to_an_action_itself_leads_to_it() -> None:
    """It was pushed while a jump was pending."""
    main, extra = frame(action("a"), action("b")), frame(action("x"), name="api", parent=(MAIN, "b"), at=True)
    graph = graph_of_trace(trace(main, extra, steps=[step(0, "a")]))
    assert [inner.title for inner in graph.groups] == ["pushed actions"]
    assert ("api", "b", "", 0) in lines(graph)


def test_a_jump_out_of_a_stack_is_drawn_where_both_ends_are_seen() -> None:
    main = frame(action("a"), action("b"))
    inner = frame(action("x", "goto", **{"": "b"}), name="api", parent=(MAIN, "a"))
    assert ("api", "b", "", 0) in lines(graph_of_trace(trace(main, inner)))


def test_a_part_of_a_history_does_not_begin_at_the_beginning() -> None:
    graph = graph_of_trace(trace(frame(action("a"), action("b")), steps=[step(7, "b")], since=7, executed_count=8))
    assert ("begin", "a", "", 0) in lines(graph)
    assert not any(edge.taken for edge in graph.edges)


def test_a_target_that_nobody_has_has_no_line() -> None:
    """A flow may name one; the action fails when it runs."""
    found = lines(graph_of_flow([read_action(action("a", "goto", **{"": "nowhere"}))]))
    assert found == {("begin", "a", "", 0)}


def test_a_stack_whose_action_is_not_shown_has_no_line() -> None:
    """The frame was too long: the action that pushed it is among those left out."""
    inner = frame(action("x"), name="api", parent=(MAIN, "left-out"))
    graph = graph_of_trace(trace(frame(action("a")), inner))
    assert [one.title for one in graph.groups] == ["pushed actions"]
    assert lines(graph) == {("begin", "a", "", 0), ("a", "end", "", 0)}


def test_circular_parents_end() -> None:
    """No record has them; a picture must not hang on a bad one."""
    first, second = frame(action("x"), name="s1", parent=("s2", "y")), frame(action("y"), name="s2", parent=("s1", "x"))
    graph = graph_of_trace(trace(frame(action("a")), first, second, steps=[step(0, "x", stack="s1")]))
    assert {BEGIN, END} <= {key for edge in graph.edges for key in (edge.source, edge.target)}
