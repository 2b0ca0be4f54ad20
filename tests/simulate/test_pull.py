"""A call that call-manager drives itself: it asks for an action, carries it out, and asks for the next one."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.simulation.script import InvalidScript
from flowmanager.testing import Result, simulate
from tests.desk import act
from tests.simulate.front_desk import AFTER_CALL, AFTER_ID, FRONT_DESK, run, write

MENU = [
    act("answer", id="answer"),
    act("talk", id="menu", text="Press a key"),
    act("digits_receive", id="key", duration=5000, length=2, key="#"),
    act("branch", id="choice", target_ids={"12": "good", "1#": "good"}, default_target_id="bad"),
    act("talk", id="good", text="good", next_id="bye"),
    act("talk", id="bad", text="bad"),
    act("hangup", id="bye"),
]
QUEUE_ID = "d90b3c57-1e2f-4a64-b8c7-5f31a0d9e682"
EMAILS = "email POST /v1/emails"


def pulled(*steps: Any, flow: Any = None, **script: Any) -> Result:
    """Run a flow in pull mode with some steps."""
    return simulate(MENU if flow is None else flow, {"mode": "pull", "steps": list(steps), **script})


def peers(result: Result) -> list[str]:
    """What other managers did, in words."""
    return [one.what for one in result.timeline if one.kind == "peer"]


def test_call_manager_asks_for_each_action() -> None:
    """One request after the other, each with the action that it had; nothing is sent to call-manager."""
    result = pulled({"press": "12"})
    assert result.ok, result.failures
    assert result.entered == ("answer", "menu", "key", "choice", "good", "bye")
    asked = [one.facts["data"]["current_action_id"] for one in result.timeline if one.facts.get("method") == "GET"]
    names = [result.labels.by_id.get(one, "start") for one in asked]
    assert names == ["start", "answer", "menu", "key", "good"]
    assert result.requests == ()
    assert result.ended_reason == "reference_ended"


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ([{"press": "12"}], "good"),
        ([{"press": "1"}, {"press": "2"}], "good"),
        ([{"press": "1#"}], "good"),
        ([{"press": "21"}], "bad"),
        ([{"silence": "until timeout"}], "bad"),
        ([{"press": {"keys": "7", "at": "menu"}}, {"press": "2"}], "bad"),
        ([{"press": {"keys": "1", "at": "menu"}}, {"press": "2"}], "good"),
    ],
)
def test_keys_are_collected_by_call_manager(steps: list[Any], place: str) -> None:
    """It sets the variable key by key, and asks on as soon as there are enough, or the time is up."""
    result = pulled(*steps)
    assert result.visited(place), peers(result)


def test_a_key_ends_a_talk_that_wants_it() -> None:
    """The caller need not listen to the end."""
    long = act("talk", id="menu", text="Press a key " * 50, digits_handle="next")
    result = pulled({"press": "1"}, flow=[long, act("talk", text="done")])
    assert result.said[-1] == "done"
    assert result.lasted < 5


def test_keys_that_are_there_already_count() -> None:
    """Enough were pressed before they were asked for."""
    flow = [act("talk", id="menu", text="long " * 20), act("digits_receive", id="key", duration=9000, length=1)]
    result = pulled({"press": {"keys": "4", "at": "menu"}}, flow=flow)
    assert result.ended == "finished"
    assert result.lasted < 9


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_both_modes_take_the_same_way(mode: str) -> None:
    """The front desk of the demonstration, with its queue and its connection."""
    script = {
        "mode": mode,
        "variables": {"customer.name": "Dana"},
        "flows": {AFTER_ID: AFTER_CALL},
        "steps": [{"hears": "Welcome Dana"}, {"press": "2"}],
        "agent": "answers after 20s",
        "calls": {"*": "busy"},
    }
    result = simulate(FRONT_DESK, script)
    assert result.ok, result.failures
    assert result.ended_reason == "reference_ended"
    own = [one for one in result.actions if not one.startswith("(")]
    assert own[2:7] == ["digits_receive[2]", "variable_set[3]", "branch[4]", "support", "queue_join[7]"]
    assert own[-2:] == ["connect[9]", "bye"]
    assert result.history[-1].flow == "after"
    assert bool(result.asked("call POST /v1/calls/<id>/actions")) is (mode == "push")


def test_the_caller_sleeps_and_waits_in_bridges() -> None:
    """What call-manager carries out takes its time, then it asks again."""
    flow = [act("sleep", id="rest", duration=7000), act("sleep", duration=0), act("queue_join", queue_id=QUEUE_ID)]
    result = pulled(flow=flow, agent={"after": "20s", "talks": "30s"})
    assert result.ended == "finished"
    assert result.lasted == pytest.approx(7 + 20 + 30, abs=2)
    assert "sends the flow elsewhere, at once" in peers(result)


def test_a_machine_and_a_caller_who_hangs_up() -> None:
    """The call is over, whoever ends it."""
    assert pulled(flow=[act("amd", machine_handle="hangup")], amd="machine").ended == "reference_ended"
    gone = pulled({"hangup": "1s after key"})
    assert (gone.ended_reason, gone.history[-1].action) == ("reference_ended", "key")
    mail = [act("email_send", id="mail"), act("talk", text="lost")]
    early = pulled({"hangup": "1s after mail"}, flow=mail, peers={EMAILS: "slow 2s"})
    assert (early.ended_reason, early.said, early.lasted) == ("reference_ended", (), 1.0)


def test_a_late_answer_is_never_heard() -> None:
    """flow-manager moves on, but call-manager gave up after three seconds: the caller hears nothing more."""
    flow = [act("email_send", id="mail", subject="s"), act("talk", id="lost", text="lost")]
    result = pulled(flow=flow, peers={EMAILS: "slow 4s"})
    assert result.ended == "waiting"
    assert result.said == ()
    assert "call-manager waited 3s for the next action and gave up: the caller hears nothing more" in peers(result)
    assert pulled(flow=flow, peers={EMAILS: "slow 2s"}).said == ("lost",)


def test_a_call_that_is_forced_on_after_a_late_answer() -> None:
    """The queue found an agent. call-manager asks again, but with the action that it still believes in: refused."""
    hold = {"name": "hold", "actions": [act("email_send", subject="s"), act("talk", text="la la")]}
    agent = {"after": "10s", "wait_flow": AFTER_ID}
    flow = [act("queue_join", id="queue", queue_id=QUEUE_ID)]
    result = pulled({"hangup": "after 30s"}, flow=flow, agent=agent, flows={AFTER_ID: hold}, peers={EMAILS: "slow 4s"})
    assert peers(result)[-3:] == [
        "sends the flow elsewhere, at once",
        "call-manager asks for the next action",
        "call-manager got an error for an answer (409) and asks no more",
    ]
    assert result.ended_reason == "reference_ended"


def test_an_error_of_the_flow_ends_the_call() -> None:
    """call-manager gets an error, and hangs up as soon as it hears that the flow has ended."""
    flow = [act("talk", text="hi"), act("queue_join", id="queue", queue_id=QUEUE_ID)]
    result = pulled(flow=flow, peers={"queue POST /v1/services/type/queuecall": "fail 503"})
    assert result.ended == "error"
    assert peers(result)[-2:] == [
        "call-manager got an error for an answer (503) and asks no more",
        "call-manager hangs up: the flow is over",
    ]


def test_what_call_manager_cannot_carry_out_is_passed_over() -> None:
    """It asks for the next action; one whose end is lost is never left."""
    line = "call POST /v1/calls/<id>/actions"
    result = pulled({"press": "12"}, peers={line: "fail 500 once after 1 good"})
    assert result.said == ("good",)
    assert "call-manager cannot carry it out (500) and asks for the next action" in peers(result)
    lost = pulled(peers={line: "timeout once after 1 good"})
    assert lost.why == "waiting at menu (pull)"


def test_the_end_of_a_flow_is_the_end_of_the_call() -> None:
    """There is no action left, so call-manager hangs up."""
    result = pulled(flow=[act("talk", text="hi")])
    assert peers(result)[-1] == "call-manager hangs up: there is nothing more to do"


def test_a_leg_is_pulled_too() -> None:
    """Whom a flow calls is driven in the same way."""
    flow = [act("connect", id="connect", destinations=[{"type": "tel", "target": "+3225550199"}])]
    result = pulled(flow=flow)
    assert result.ended == "finished"
    assert {one.flow for one in result.history} == {"", "leg"}
    assert not result.asked("call POST /v1/calls/<id>/actions")


@pytest.mark.parametrize("reference", ["api", "conversation"])
def test_only_calls_are_pulled(reference: str) -> None:
    """Nobody asks for the actions of anything else."""
    with pytest.raises(InvalidScript, match="only calls are pulled: call-manager"):
        pulled(flow=[act("beep")], reference=reference)


def test_the_option_of_the_command_decides(tmp_path: Any) -> None:
    """Over what the script says; the timeline tells it at its beginning."""
    flow = write(tmp_path, "flow.json", MENU)
    script = write(tmp_path, "script.yaml", "mode: push\nsteps: [{press: 12}]")
    shown = run(flow, "--script", script, "--mode", "pull")
    assert shown.exit_code == 0, shown.output
    assert "; call-manager asks for each action (pull mode)" in shown.output.splitlines()[0]
    assert "call-manager asks for the next action" in shown.output
    wrong = run(flow, "--script", write(tmp_path, "api.yaml", "reference: api"), "--mode", "pull")
    assert wrong.exit_code == 2
    assert "only calls are pulled" in wrong.output


def test_pulled_flows_can_be_explored(tmp_path: Any) -> None:
    """Every branch, as in push mode."""
    shown = run(write(tmp_path, "flow.json", MENU), "--explore", "--mode", "pull", "--min-coverage", "100")
    assert shown.exit_code == 0, shown.output


FLOWS = {
    "ai": [act("ai_talk", assistance_type="ai", assistance_id=QUEUE_ID), act("talk", text="You want ${wish}")],
    "conference": [act("conference_join", conference_id=QUEUE_ID), act("talk", text="bye")],
    "recording": [act("recording_start"), act("digits_receive", duration=4000, length=4), act("recording_stop")],
    "sounds": [
        act("play", stream_urls=["https://x.example/a.wav"]),
        act("beep"),
        act("echo", duration=2000),
        act("digits_send", digits="12", duration=500),
        act("amd", machine_handle="continue"),
        act("stream_echo", duration=1000),
    ],
    "at once": [act("mute"), act("transcribe_start"), act("external_media_start"), act("external_media_stop")],
    "beside": [act("talk", text="long " * 50, **{"async": True}), act("sleep", duration=2000), act("talk", text="two")],
    "fetched": [act("fetch", event_url="https://x.example/a"), act("talk", text="end")],
}


@pytest.mark.parametrize("name", FLOWS)
def test_what_call_manager_carries_out_takes_as_long(name: str) -> None:
    """Whoever drives the call: the same actions, texts and times."""
    script = {"ai": {"after": "20s", "variables": {"wish": "cake"}}, "fetch": {"*": [act("talk", text="fetched")]}}
    pushed, pulled = (simulate(FLOWS[name], {"mode": mode, **script}) for mode in ("push", "pull"))
    assert [(one.type, one.result) for one in pulled.history] == [(one.type, one.result) for one in pushed.history]
    assert (pulled.ended, pulled.said) == (pushed.ended, pushed.said)
    assert pulled.lasted == pytest.approx(pushed.lasted)
