"""Pull: whoever performs the media actions asks for one after the other with `next`."""

from __future__ import annotations

import pytest

from flowmanager.core.ids import FINISH, NIL, START
from flowmanager.errors import PeerTimeout
from tests.desk import Desk, act, new_id, peer_error, service, talk

MEDIA_TYPES = ("call", "conversation", "message", "api", "campaign", "transcribe", "recording", "ai", "webchat", "")


def test_next_hands_out_one_action_after_the_other_and_then_the_finish_action(desk: Desk) -> None:
    """The caller performs what it gets; the finish action has an id and nothing else."""
    run = desk.start(act("answer"), talk("hello"), act("hangup"))
    assert run.walk() == ["answer", "hello", "hangup", "finish"]
    assert run.current == {"id": FINISH, "next_id": NIL, "tm_execute": None}
    assert run.ended == "finished"


def test_next_answers_the_action_with_its_option_substituted(desk: Desk) -> None:
    """The stack keeps the option as it was written."""
    run = desk.start(talk("hi ${name}"), variables={"name": "Dana"})
    status, action = run.next()
    assert (status, action["option"]) == (200, {"text": "hi Dana"})
    assert (action["type"], action["next_id"], action["tm_execute"]) == ("talk", NIL, None)
    assert run.record["stack_map"][START]["actions"][0]["option"] == {"text": "hi ${name}"}


def test_next_runs_pure_actions_on_the_way(desk: Desk) -> None:
    """Only what the caller must perform is handed out."""
    run = desk.start(
        act("variable_set", key="colour", value="red"),
        act("goto", target_id="last"),
        talk("no"),
        talk("${colour}", id="last"),
    )
    assert run.walk() == ["red", "finish"]
    assert run.history == ["variable_set done", "goto done", "talk done"]


def test_an_activeflow_without_a_flow_finishes_at_once(desk: Desk) -> None:
    """There is nothing to do."""
    _, made = desk.create(NIL)
    assert desk.run(made["id"]).walk() == ["finish"]


def test_a_stale_next_is_refused_and_the_flow_lives(desk: Desk) -> None:
    """Whoever believes another action to be current is told so; nothing changes."""
    run = desk.start(talk("one"), talk("two"))
    run.next()
    before = run.record
    status, error = run.next(seen=START)
    assert (status, error["reason"], error["status"]) == (409, "STALE_ACTION", "FAILED_PRECONDITION")
    assert run.next(seen=new_id()).reason == "STALE_ACTION"
    assert run.record == before
    assert run.walk() == ["two", "finish"]


def test_next_after_the_end_is_refused(desk: Desk) -> None:
    """The activeflow stays as it ended."""
    run = desk.start(talk("one"))
    run.walk()
    before = run.record
    assert run.next().status == 409
    assert run.next().reason == "ACTIVEFLOW_ENDED"
    assert run.record == before


def test_next_of_an_unknown_activeflow_is_not_found(desk: Desk) -> None:
    """404 with a type."""
    status, error = desk.get(f"/v1/activeflows/{new_id()}/next", {"current_action_id": START})
    assert (status, error["reason"]) == (404, "ACTIVEFLOW_NOT_FOUND")


@pytest.mark.parametrize("data", [None, [], "x", {"current_action_id": 5}, {"current_action_id": "first"}])
def test_next_needs_a_body_with_an_id(desk: Desk, data: object) -> None:
    """A body that cannot be read changes nothing."""
    run = desk.start(talk("one"))
    assert desk.get(f"{run.uri}/next", data).status == 400
    assert run.state == "created"


def test_a_block_is_answered_with_the_placeholder(desk: Desk) -> None:
    """Action with the zero id, no type; the flow waits for somebody else."""
    run = desk.start(act("block"), act("variable_set", key="a", value="b"), reference_type="api")
    assert run.next() == (200, {"id": NIL, "next_id": NIL, "tm_execute": None})
    assert (run.state, run.record["status"], run.at) == ("blocked", "running", "block")


def test_next_with_the_blocks_id_goes_on_behind_it(desk: Desk) -> None:
    """A caller that knows the block may resume it itself."""
    run = desk.start(act("block"), act("variable_set", key="a", value="b"), reference_type="api")
    run.next()
    assert run.next(seen=new_id()).status == 409
    assert run.next(seen=run.current["id"]).data["id"] == FINISH
    assert run.variables == {"a": "b"}


def test_a_fatal_failure_is_answered_with_the_peers_own_error_and_status(desk: Desk) -> None:
    """A caller sees what it would see if it had asked the peer."""
    desk.outside.teach("queue POST *", peer_error("queue", 404, "QUEUE_NOT_FOUND"))
    run = desk.start(act("queue_join", id="q", queue_id=new_id()), talk("never"))
    status, error = run.next()
    assert (status, error["reason"], error["domain"]) == (404, "QUEUE_NOT_FOUND", "queue-manager")
    record = run.record
    assert (run.ended, run.state, record["status"]) == ("error", "error", "ended")
    assert record["error"]["type"] == "queue_join"
    assert record["error"]["action_id"] == record["executed_actions"][-1]["id"]
    assert "told by the peer" in record["error"]["message"]
    assert run.history == ["queue_join failed"]


@pytest.mark.parametrize("failure", [PeerTimeout("message", 3.0), "garbage", None])
def test_a_fatal_failure_without_a_typed_error_names_action_and_reason(desk: Desk, failure: object) -> None:
    """400 `ACTION_FAILED`; the activeflow is over."""
    desk.outside.teach("queue POST *", failure)
    run = desk.start(act("queue_join", queue_id=new_id()))
    status, error = run.next()
    assert (status, error["reason"]) == (400, "ACTION_FAILED")
    details = error["details"][0]
    assert (details["type"], details["activeflow_id"]) == ("queue_join", run.id)
    assert details["action_id"] == run.record["error"]["action_id"]
    assert run.ended == "error"


def test_a_pure_action_can_fail_too(desk: Desk) -> None:
    """A branch without a target for the value."""
    run = desk.start(act("branch", target_ids={"1": "one"}), talk("one", id="one"))
    assert run.next().reason == "ACTION_FAILED"
    assert "no target" in run.record["error"]["message"]
    assert run.ended == "error"


def test_an_action_whose_failure_is_skipped_leaves_its_mark_in_the_history(desk: Desk) -> None:
    """The flow goes on; the history says what went wrong."""
    desk.outside.teach("email *", peer_error("email", 400, "NO_CREDIT"))
    run = desk.start(act("email_send", subject="x"), talk("after"))
    assert run.walk() == ["after", "finish"]
    first = run.record["executed_actions"][0]
    assert (first["type"], first["result"], "told by the peer" in first["error"]) == ("email_send", "failed", True)
    assert run.ended == "finished"


@pytest.mark.parametrize("reference_type", MEDIA_TYPES)
def test_media_actions_need_a_call(desk: Desk, reference_type: str) -> None:
    """For every other reference they are skipped, and the history says so."""
    run = desk.start(talk("hello"), reference_type=reference_type)
    live = reference_type == "call"
    assert run.walk() == (["hello", "finish"] if live else ["finish"])
    assert run.history == ["talk done" if live else "talk skipped"]


@pytest.mark.parametrize("reference_type", MEDIA_TYPES)
def test_a_block_needs_a_reference_without_media(desk: Desk, reference_type: str) -> None:
    """A call cannot block, and neither can a flow without a reference."""
    run = desk.start(act("block"), reference_type=reference_type)
    run.next()
    blocks = reference_type not in ("", "call")
    assert run.state == ("blocked" if blocks else "ended")
    assert blocks or run.history == ["block skipped"]


@pytest.mark.parametrize("reference_type", MEDIA_TYPES)
def test_a_sleep_is_handed_out_to_the_caller(desk: Desk, reference_type: str) -> None:
    """Sleep has no media: it belongs to no kind of reference."""
    run = desk.start(act("sleep", duration=5000), reference_type=reference_type)
    assert run.walk() == ["sleep", "finish"]


def test_media_events_do_not_end_a_pull_wait(desk: Desk) -> None:
    """The wait belongs to the caller: only its `next` goes on."""
    run = desk.start(talk("one"), talk("two"))
    _, action = run.next()
    run.done()
    run.done(action["id"])
    run.press("1")
    assert (run.at, run.state) == ("one", "waiting")
    assert run.walk() == ["two", "finish"]
    assert run.said == []


def test_execute_does_not_end_a_pull_wait(desk: Desk) -> None:
    """An `execute` of a running flow: 200 without effect."""
    run = desk.start(talk("one"), talk("two"))
    run.next()
    assert run.execute() == (200, None)
    assert (run.at, run.said) == ("one", [])


def test_a_hang_up_ends_a_pull_wait(desk: Desk) -> None:
    """The call is over, and so is its activeflow."""
    run = desk.start(talk("one"), talk("two"))
    run.next()
    run.hang_up()
    assert (run.ended, run.history) == ("reference_ended", ["talk interrupted"])


def test_a_forward_takes_effect_with_the_next_next(desk: Desk) -> None:
    """A pending jump shows in the record until then."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.next()
    target = run.find("three")
    assert run.forward(target) == (200, None)
    assert (run.record["forward_action_id"], run.record["forward_stack_id"], run.at) == (target, START, "one")
    assert run.walk() == ["three", "finish"]
    assert desk.asked == []


def test_forward_now_makes_call_manager_ask_after_the_answer(desk: Desk) -> None:
    """The caller gets its 200 first; only then call-manager is told to go on."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.next()
    answers_before: list[int] = []
    desk.outside.teach("call POST /v1/calls/*/action-next", lambda _: answers_before.append(len(desk.outside.replies)))
    replies = len(desk.outside.replies) + 1  # find() asks too
    assert run.forward(run.find("three"), now=True).status == 200
    ask = desk.outside.asks[-1]
    assert (ask.uri, ask.body) == (f"/v1/calls/{run.reference_id}/action-next", {"force": True})
    assert answers_before == [replies + 1]
    assert run.walk() == ["three", "finish"]


def test_forward_now_is_answered_well_when_call_manager_fails(desk: Desk) -> None:
    """The jump stays pending."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.next()
    assert run.forward(run.find("three"), now=True).status == 200
    assert desk.asked[-1].endswith("/action-next")
    assert run.walk() == ["three", "finish"]


def test_every_pause_is_one_event_and_tells_its_steps(desk: Desk) -> None:
    """The events of one turn are one: N pure actions, one `activeflow_updated`."""
    run = desk.start(act("variable_set", key="a", value="b"), act("variable_set", key="c", value="d"), talk("one"))
    run.next()
    run.next()
    assert desk.events(run) == ["activeflow_created", "activeflow_updated", "activeflow_updated"]
    told = [one["data"] for one in desk.sent() if one["data"]["id"] == run.id]
    assert [[step["type"] for step in one["executed_actions"]] for one in told] == [
        [],
        ["variable_set", "variable_set"],
        ["talk"],
    ]
    assert [one["executed_count"] for one in told] == [0, 2, 3]
    assert all("stack_map" not in one for one in told)
    assert [one["status"] for one in told] == ["running", "running", "ended"]


def test_a_call_waits_in_a_queue_is_bridged_and_goes_on(desk: Desk) -> None:
    """The whole way of a queued call, as queue-manager and call-manager drive it."""
    hold, join, service_id = new_id(), new_id(), new_id()
    wait = [talk("hold", id=hold), act("goto", id=new_id(), target_id=hold), act("confbridge_join", id=join)]
    desk.outside.teach("queue POST /v1/services/type/queuecall", service(service_id, *wait))
    desk.outside.teach("queue POST /v1/queuecalls/*")
    desk.outside.teach("call POST /v1/calls/*/action-next")
    run = desk.start(act("answer"), act("queue_join", queue_id=new_id()), talk("bye"))
    assert run.walk(most=4) == ["answer", "hold", "hold", "hold"]
    assert run.forward(join, now=True).status == 200
    assert run.next().data["id"] == join
    assert run.service_stop(service_id).status == 200
    assert run.walk() == ["bye", "finish"]


def test_a_service_without_actions_is_passed(desk: Desk) -> None:
    """Nothing is pushed; the flow goes on."""
    desk.outside.teach("conference POST *", service(new_id()))
    run = desk.start(act("conference_join", conference_id=new_id()), talk("on"))
    assert run.walk() == ["on", "finish"]


def test_a_condition_may_name_its_variable_or_refer_to_it(desk: Desk) -> None:
    """Both written forms compare the same value."""
    for variable in ("tier", "${tier}"):
        run = desk.start(
            act(
                "condition_variable",
                condition="==",
                variable=variable,
                value_type="string",
                value_string="gold",
                false_target_id="other",
            ),
            talk("gold"),
            act("stop"),
            talk("other", id="other"),
            variables={"tier": "gold"},
        )
        assert run.walk() == ["gold", "finish"]
        assert run.ended == "stop_action"


@pytest.mark.parametrize("answered", [True, False])
def test_a_call_is_really_muted(desk: Desk, answered: bool) -> None:
    """call-manager is asked; a failure is skipped."""
    if answered:
        desk.outside.teach("call POST /v1/calls/*/mute")
    run = desk.start(act("mute"), talk("on"))
    assert run.walk() == ["on", "finish"]
    assert desk.asked == [f"call POST /v1/calls/{run.reference_id}/mute"]
    assert run.history[0] == ("mute done" if answered else "mute failed")


def test_a_transcription_is_really_stopped(desk: Desk) -> None:
    """transcribe-manager is asked for the one that is known from the variables."""
    transcribe_id = new_id()
    desk.outside.teach("transcribe *")
    run = desk.start(act("transcribe_stop"), talk("on"))
    run.set_variables({"voipbin.transcribe.id": transcribe_id})
    run.next()
    assert desk.asked == [f"transcribe POST /v1/transcribes/{transcribe_id}/stop"]
