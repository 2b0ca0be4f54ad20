"""The limits that keep one flow from harming the others."""

from __future__ import annotations

import pytest

from flowmanager.core.limits import Limits
from tests.desk import Desk, Run, act, new_id, talk


def endless(desk: Desk) -> Run:
    """A flow that asks its caller again and again."""
    return desk.start(talk("again", id="again"), act("goto", target_id="again"))


def test_a_turn_of_a_thousand_actions_is_allowed(desk: Desk) -> None:
    """Counted are the actions between two pauses."""
    once = act("goto", id="turn", target_id="turn", loop_count=998)
    run = desk.start(once, talk("one"))
    assert run.next().data["option"] == {"text": "one"}
    assert run.record["executed_count"] == 999


def test_a_turn_of_more_ends_the_flow(desk: Desk) -> None:
    """Its caller hears why; the record says so."""
    run = desk.start(act("goto", id="turn", target_id="turn"))
    status, error = run.next()
    assert (status, error["reason"], error["details"][0]["limit"]) == (400, "LIMIT_REACHED", "iterations")
    record = run.record
    assert (run.ended, run.state, record["executed_count"]) == ("limit_iterations", "error", 1000)
    assert "1000" in record["error"]["message"]


def test_skipped_actions_count(desk: Desk) -> None:
    """A loop of nothing is a loop."""
    run = desk.start(talk("skipped", id="turn"), act("goto", target_id="turn"), reference_type="api")
    run.execute()
    assert run.ended == "limit_iterations"


def test_the_count_begins_anew_with_each_pause(desk: Desk) -> None:
    """Three turns of six hundred are no loop."""
    turn = [act("goto", id="g", target_id="g", loop_count=599), talk("pause")]
    run = desk.start(*turn)
    assert run.next().status == 200
    for _ in range(2):
        run.push(*turn)
        assert run.next().data["option"] == {"text": "pause"}
    assert run.record["executed_count"] > 1500


def test_questions_to_peers_do_not_begin_the_count_anew(desk: Desk) -> None:
    """A turn may have several transactions."""
    colleague = desk.colleague(limits=Limits(iterations=10))
    desk.outside.teach("email *")
    run = colleague.start(act("email_send", id="mail", subject="x"), act("goto", target_id="mail"))
    run.execute()
    assert (run.ended, run.record["executed_count"]) == ("limit_iterations", 10)


def test_the_101st_resume_ends_the_flow(desk: Desk) -> None:
    """A hundred are allowed."""
    run = endless(desk)
    for _ in range(100):
        assert run.next().status == 200
    status, error = run.next()
    assert (status, error["reason"], error["details"][0]["limit"]) == (400, "LIMIT_REACHED", "executions")
    assert (run.ended, run.record["execute_count"]) == ("limit_executions", 100)
    assert run.next().reason == "ACTIVEFLOW_ENDED"


def test_every_kind_of_resume_counts(desk: Desk) -> None:
    """Execute, signal, timer, continue, next."""
    run = desk.start(talk("one"), act("sleep", duration=1000), talk("two"))
    counts = []
    for resume in (run.execute, run.done, desk.sweep, run.done):
        desk.later(2)
        resume()
        counts.append(run.record["execute_count"])
    assert counts == [1, 2, 3, 4]
    run = desk.start(act("block"), act("block"), reference_type="api")
    for resume in (run.next, run.go_on, run.execute):
        resume()
    assert run.record["execute_count"] == 3


def test_a_looping_wait_flow_ends_some_day(desk: Desk) -> None:
    """Events drive it into the limit too."""
    run = endless(desk)
    run.execute()
    for _ in range(101):
        run.done()
    assert (run.ended, len(run.said)) == ("limit_executions", 100)


def test_what_does_not_resume_does_not_count(desk: Desk) -> None:
    """Stale commands, changes and events that are discarded."""
    run = desk.start(talk("one"))
    run.next()
    run.next(seen=new_id())
    run.push(talk("x"))
    run.set_variables({"a": "b"})
    run.done()
    run.execute()
    assert run.record["execute_count"] == 1


@pytest.mark.parametrize("loops", [0, -1])
def test_a_goto_without_loops_falls_through(desk: Desk, loops: int) -> None:
    """0 and negative: no jump."""
    run = desk.start(talk("one", id="one"), act("goto", target_id="one", loop_count=loops), talk("two"))
    assert run.walk() == ["one", "two", "finish"]


def test_a_goto_jumps_exactly_as_often_as_it_says(desk: Desk) -> None:
    """Then it falls through; its option is never rewritten."""
    run = desk.start(talk("one", id="one"), act("goto", target_id="one", loop_count=3), talk("two"))
    assert run.walk() == ["one"] * 4 + ["two", "finish"]
    assert run.record["stack_map"]["00000000-0000-0000-0000-000000000001"]["actions"][1]["option"]["loop_count"] == 3


def test_the_counter_of_a_goto_belongs_to_its_frame(desk: Desk) -> None:
    """A flow that is fetched again loops again."""
    inner = desk.flow(talk("one", id="one"), act("goto", target_id="one", loop_count=1))
    run = desk.start(act("fetch_flow", id="f", flow_id=inner), act("goto", target_id="f", loop_count=1))
    assert run.walk() == ["one"] * 4 + ["finish"]


def test_frames_are_nested_so_deep_and_no_deeper(desk: Desk) -> None:
    """A push beyond the limit is refused, and nothing is lost."""
    colleague = desk.colleague(limits=Limits(stack_depth=4))
    run = colleague.start(talk("one"))
    answers = [run.push(talk(str(number))) for number in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 400]
    assert answers[-1].reason == "STACK_TOO_DEEP"
    assert run.walk() == ["2", "1", "0", "one", "finish"]


def test_a_flow_that_fetches_itself_ends(desk: Desk) -> None:
    """By the depth of its frames."""
    flow_id = desk.flow(talk("x"))
    desk.put(f"/v1/flows/{flow_id}/actions", {"actions": [act("fetch_flow", flow_id=flow_id), talk("never")]})
    run = desk.run(desk.create(flow_id).data["id"])
    assert run.next().reason == "ACTION_FAILED"
    assert (run.ended, run.record["error"]["type"]) == ("error", "fetch_flow")


def test_the_actions_of_all_frames_have_a_limit(desk: Desk) -> None:
    """The record is read with every step."""
    colleague = desk.colleague(limits=Limits(actions=5))
    run = colleague.start(talk("one"), talk("two"))
    assert run.push(talk("a"), talk("b"), talk("c")).status == 200
    assert run.push(talk("d")).reason == "STACK_TOO_DEEP"
    many = [talk(str(number)) for number in range(6)]
    assert colleague.post("/v1/flows", {"actions": many}).reason == "INVALID_REQUEST"


def test_an_option_cannot_grow_without_end(desk: Desk) -> None:
    """Placeholders must not multiply into gigabytes."""
    run = desk.start(talk("${a}" * 100), talk("two"), variables={"a": "x" * 30_000})
    assert run.next().data["option"] == {"text": "two"}
    assert run.history == ["talk failed"]


def test_a_message_has_a_size_and_a_depth(desk: Desk) -> None:
    """400; the worker is not harmed."""
    colleague = desk.colleague(max_body_bytes=10_000, max_json_depth=8)
    deep: object = "x"
    for _ in range(10):
        deep = [deep]
    assert colleague.post("/v1/flows", {"name": "x" * 10_000}).reason == "INVALID_ENVELOPE"
    assert colleague.post("/v1/flows", {"name": deep}).reason == "INVALID_ENVELOPE"
    assert desk.get("/v1/flows?").data == []


def test_events_do_not_grow_with_the_history(desk: Desk) -> None:
    """However many actions were executed, an event tells those of its turn."""
    hold = new_id()
    actions = [act("variable_set", key="k", value="v") for _ in range(100)]
    run = desk.start(talk("x", id=hold), *actions, act("goto", target_id=hold))
    largest = []
    for _ in range(6):
        told = len(desk.outside.published)
        run.next()
        largest.append(max((len(message.body) for message in desk.outside.published[told:]), default=0))
    assert len(run.desk.get(run.uri).data["executed_actions"]) > 500
    assert 0 < largest[5] < largest[2] + 1000
