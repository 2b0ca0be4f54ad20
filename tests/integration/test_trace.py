"""`GET /v1/activeflows/<id>/trace`: what happened, why, and what it waits for."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.core.ids import MAIN
from flowmanager.core.masking import MASK
from flowmanager.errors import PeerTimeout
from tests.conformance.contract import validator
from tests.desk import Desk, Json, Run, act, new_id, talk

QUEUE = "queue POST /v1/services/type/queuecall"


def trace(run: Run, query: str = "") -> Json:
    """The trace of an activeflow, which is what the contract says."""
    status, data = run.desk.get(f"{run.uri}/trace{query}")
    assert status == 200, data
    validator("trace_activeflow_answer").validate({"status_code": status, "data": data})
    found: Json = data
    return found


def step(run: Run, action_type: str) -> Json:
    """The last step of a type in the trace."""
    return next(one for one in reversed(trace(run)["steps"]) if one["type"] == action_type)


def test_a_step_tells_the_variables_that_it_changed(desk: Desk) -> None:
    """Nothing is told of those that stay as they were."""
    run = desk.start(act("variable_set", key="a", value="1"), act("variable_set", key="a", value="1"), talk("x"))
    run.next()
    first, second = trace(run)["steps"]
    assert first["variables"] == {"a": "1"}
    assert "variables" not in second
    assert (first["cause"], first["cause_kind"], first["stack_id"]) == ("next", "request", MAIN)


def test_secrets_are_masked_everywhere(desk: Desk) -> None:
    """By the name of the variable, and where a text was made of it."""
    run = desk.start(
        act("variable_set", key="card.pin", value="x4711x"),
        talk("Your pin is ${card.pin}"),
        act("condition_variable", condition="==", variable="${card.pin}", value_type="string", value_string="x4711x"),
        talk("bye"),
    )
    run.next()
    run.next()
    shown = trace(run)
    assert "x4711x" not in str(shown)
    setting, saying, comparing = shown["steps"]
    assert (setting["variables"], setting["option"]["value"]) == ({"card.pin": MASK}, MASK)
    assert saying["option"] == {"text": "Your pin is ${card.pin}"}
    assert comparing["condition"]["result"] is True


def test_a_branch_tells_what_it_compared_and_where_it_went(desk: Desk) -> None:
    target = new_id()
    run = desk.start(
        act("variable_set", key="choice", value="2"),
        act("branch", variable="choice", target_ids={"1": new_id(), "2": target}),
        {**talk("hours"), "id": new_id()},
        {**talk("support"), "id": target},
    )
    run.next()
    told = step(run, "branch")
    condition = {"name": "choice", "left": "2", "operator": "is one of", "right": "1, 2", "result": True}
    assert (told["target"], told["condition"]) == (target, condition)
    assert told["variables"] == {"choice": ""}


CONDITIONS: list[tuple[Json, Json]] = [
    (
        act("condition_variable", condition=">", variable="n", value_type="number", value_number=3),
        {"name": "n", "left": "5", "operator": ">", "right": "3.0", "result": True},
    ),
    (
        act("condition_variable", condition="==", variable="${n}", value_type="length", value_length=1),
        {"name": "n", "left": "5", "operator": "length ==", "right": "1", "result": True},
    ),
    (
        act("goto", loop_count=0),
        {"name": "jumps so far", "left": "0", "operator": "<", "right": "0", "result": False},
    ),
    (
        act("condition_call_status", status="ringing"),
        {"name": "status of the call", "left": "ringing", "operator": "==", "right": "ringing", "result": True},
    ),
    (
        act("condition_call_digits", length=2, key="7"),
        {"name": "voipbin.call.digits", "left": "127", "operator": "has", "right": "2 keys or the keys 7"}
        | {"result": True},
    ),
]


@pytest.mark.parametrize(("action", "condition"), CONDITIONS, ids=[action["type"] for action, _ in CONDITIONS])
def test_a_condition_tells_both_sides(desk: Desk, action: Json, condition: Json) -> None:
    desk.outside.teach("call GET /v1/calls/*", {"status": "ringing"})
    desk.outside.teach("call GET /v1/calls/*/digits", {"digits": "127"})
    run = desk.start(act("variable_set", key="n", value="5"), action, talk("x"))
    run.next()
    assert step(run, action["type"])["condition"] == condition


def test_a_condition_on_the_time_tells_the_time(desk: Desk) -> None:
    run = desk.start(act("condition_datetime", condition=">=", hour=0, weekdays=[0, 1, 2, 3, 4, 5, 6]), talk("x"))
    run.next()
    told = step(run, "condition_datetime")["condition"]
    assert (told["right"], told["result"]) == ("weekdays [0, 1, 2, 3, 4, 5, 6], hour 0", True)


def test_a_skipped_action_tells_why(desk: Desk) -> None:
    run = desk.start(talk("x"), act("block"), reference_type="message")
    run.next()
    told = step(run, "talk")
    assert told["result"] == "skipped"
    assert told["skipped"] == "it needs a live call, and this activeflow belongs to message"


def test_requests_to_others_are_told_with_their_answers(desk: Desk) -> None:
    """And failures with what was wrong."""
    desk.outside.teach("email *", {"id": "e-1", "token": "abc"})
    desk.outside.teach("message *", PeerTimeout("message", 3.0))
    run = desk.start(act("email_send", subject="s"), act("message_send", text="t"), talk("x"))
    run.next()
    [asked] = step(run, "email_send")["asked"]
    assert (asked["peer"], asked["method"], asked["answer"]) == ("email", "POST", {"id": "e-1", "token": MASK})
    assert asked["ms"] >= 0
    [failed] = step(run, "message_send")["asked"]
    assert "message" in failed["error"]
    assert "answer" not in failed


def test_a_step_that_was_begun_twice_tells_so(desk: Desk) -> None:
    """Its worker died while a peer was asked."""
    run = desk.start(act("email_send", subject="s"), talk("x"))
    desk.outside.teach("email *", {})
    desk.dies_in("email *", run.execute)
    desk.later(20)
    desk.colleague().sweep()
    assert step(run, "email_send")["attempts"] == 2


def test_a_pushed_frame_is_told_by_its_id(desk: Desk) -> None:
    service = new_id()
    desk.outside.teach(QUEUE, {"id": service, "push_actions": [{"type": "talk", "option": {"text": "hold"}}]})
    desk.outside.teach("queue POST /v1/queuecalls/*", {})
    run = desk.start(act("queue_join", queue_id=new_id()), talk("after"))
    run.next()
    shown = trace(run)
    assert step(run, "queue_join")["pushed"] == service
    assert [frame["id"] for frame in shown["frames"]] == [MAIN, service]
    assert shown["frames"][1]["parent_stack_id"] == MAIN
    assert (shown["current"]["stack_id"], shown["current"]["option"]) == (service, {"text": "hold"})
    assert shown["why"] == "its caller performs `talk`; the caller's next `next` goes on (inside `queue_join`)"


def test_a_wait_tells_what_it_waits_for_and_what_came_meanwhile(desk: Desk) -> None:
    run = desk.start(talk("x"), act("sleep", duration=60000), talk("bye"))
    run.execute()
    run.press("1")
    waiting = trace(run)
    assert waiting["wait"]["for"] == "push"
    assert waiting["why"].startswith("an event of call-manager must tell that `talk` is done, at the latest ")
    assert waiting["current"]["heard"] == ["dtmf_received"]
    run.done()
    told = step(run, "talk")
    assert (told["cause"], told["cause_kind"], told["wait"]["for"]) == ("media_done", "event", "push")
    assert told["variables"] == {"voipbin.call.digits": "1"}
    assert [asked["peer"] for asked in told["asked"]] == ["call"]
    assert trace(run)["why"].startswith("the clock ends `sleep`, at the latest ")
    desk.later(61)
    assert "does any worker run?" in trace(run)["why"] or trace(run)["why"].endswith(" now")
    desk.sweep()
    assert (step(run, "sleep")["cause_kind"], trace(run)["state"]) == ("timer", "waiting")


def test_a_block_tells_what_releases_it(desk: Desk) -> None:
    run = desk.start(act("block"), reference_type="api")
    run.execute()
    assert trace(run)["why"] == "it stands on `block`; `execute`, `continue` or `next` goes on"


def nothing(run: Run) -> None:
    """Leave it alone."""
    del run


WHYS = [
    ([talk("x")], nothing, "it was not started yet: that takes `execute` or the first `next`"),
    ([act("stop")], Run.next, "the action `stop` ended it"),
    ([], Run.next, "it ran to its end"),
    ([talk("x")], Run.stop, "a request stopped it"),
    ([act("branch", variable="none")], Run.next, "an action failed"),
]


@pytest.mark.parametrize(("actions", "do", "why"), WHYS, ids=[why for *_, why in WHYS])
def test_it_says_why(desk: Desk, actions: list[Json], do: Any, why: str) -> None:
    """Why it waits, or why it ended."""
    run = desk.start(*actions)
    do(run)
    assert trace(run)["why"] == why


def test_an_error_is_told_with_the_action_that_had_it(desk: Desk) -> None:
    run = desk.start(act("branch", variable="none"))
    run.next()
    shown = trace(run)
    assert shown["error"]["type"] == "branch"
    assert "no target" in shown["error"]["message"]
    assert "no target" in shown["steps"][0]["error"]


def test_a_long_history_is_shown_in_parts(desk: Desk) -> None:
    """The latest steps first; `next_since` says where the next part begins."""
    run = desk.start(*(act("variable_set", key="n", value=str(number)) for number in range(450)), talk("x"))
    run.next()
    latest = trace(run)
    assert (len(latest["steps"]), latest["since"], latest["next_since"], latest["executed_count"]) == (
        200,
        250,
        None,
        450,
    )
    assert [one["seq"] for one in latest["steps"]] == list(range(250, 450))
    first = trace(run, "?since=0&limit=300")
    assert (len(first["steps"]), first["next_since"]) == (300, 300)
    rest = trace(run, "?since=300&limit=100000")
    assert (len(rest["steps"]), rest["next_since"]) == (150, None)
    beyond = trace(run, "?since=9999")
    assert (beyond["steps"], beyond["next_since"]) == ([], None)


def test_an_answer_stays_far_below_what_a_broker_takes(desk: Desk) -> None:
    """Whatever the steps hold; what is left out is in the next part."""
    wide = {f"key-{number}": "x" * 200 for number in range(12)}
    run = desk.start(*(act("email_send", destinations=[wide] * 12) for _ in range(90)), talk("x"))
    run.next()
    shown = trace(run)
    assert len(str(shown)) < 5_000_000
    assert 0 < shown["since"] < 90
    before = trace(run, f"?since=0&limit={shown['since']}")
    assert before["next_since"] in range(1, shown["since"] + 1)


@pytest.mark.parametrize("query", ["?since=x", "?limit=-1", "?since=1.5"])
def test_what_is_no_number_is_refused(desk: Desk, query: str) -> None:
    run = desk.start(talk("x"))
    assert desk.get(f"{run.uri}/trace{query}").status == 400


def test_an_unknown_activeflow_is_not_found(desk: Desk) -> None:
    assert desk.get(f"/v1/activeflows/{new_id()}/trace").status == 404


def test_the_history_itself_is_as_before(desk: Desk) -> None:
    """Details are told by the trace alone."""
    run = desk.start(act("variable_set", key="a", value="1"), talk("x"))
    run.next()
    [told] = run.record["executed_actions"]
    assert set(told) == {"id", "next_id", "type", "option", "tm_execute", "tm_end", "result", "cause"}


@pytest.mark.parametrize(
    ("form", "begin"), [("text", "activeflow "), ("mermaid", "%% "), ("svg", "<svg "), ("json", "{")]
)
def test_a_trace_can_be_asked_for_as_a_text(desk: Desk, form: str, begin: str) -> None:
    """As the command prints it, without colours; JSON is the record itself."""
    run = desk.start(act("variable_set", key="a", value="1"), talk("x"))
    run.next()
    status, answer = desk.get(f"{run.uri}/trace?format={form}&limit=1")
    assert status == 200
    validator("trace_activeflow_answer").validate({"status_code": status, "data": answer})
    if form == "json":
        assert answer["id"] == run.id
    else:
        assert answer["data"].startswith(begin)
        assert "\x1b" not in answer["data"]
        assert "talk" in answer["data"]


def test_an_unknown_format_is_refused(desk: Desk) -> None:
    run = desk.start(talk("x"))
    status, answer = desk.get(f"{run.uri}/trace?format=pdf")
    assert (status, answer["message"]) == (400, "format: None of text, json, mermaid, svg.")
