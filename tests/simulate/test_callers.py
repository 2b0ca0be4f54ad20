"""What callers do in a simulation, and what the flow makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.simulation.script import InvalidScript
from flowmanager.testing import Result, simulate
from tests.desk import act

MENU = [
    act("answer", id="answer"),
    act("talk", id="menu", text="Press a key"),
    act("digits_receive", id="key", duration=5000, length=2),
    act("branch", id="choice", target_ids={"12": "good"}, default_target_id="bad"),
    act("talk", id="good", text="good", next_id="bye"),
    act("talk", id="bad", text="bad"),
    act("hangup", id="bye"),
]


def play(*steps: Any, flow: Any = None, **script: Any) -> Result:
    """Run a flow with some steps."""
    return simulate(MENU if flow is None else flow, {"steps": list(steps), **script})


def told(result: Result, kind: str) -> list[str]:
    """The lines of a kind."""
    return [one.what for one in result.timeline if one.kind == kind]


def test_keys_are_pressed_when_they_are_asked_for() -> None:
    """A second after the request, one after the other."""
    result = play({"press": "12"})
    assert result.visited("good")
    keys = [(round(one.at, 1), one.what) for one in result.timeline if one.kind == "caller"]
    assert keys == [(2.0, "presses 1"), (2.3, "presses 2")]


def test_keys_of_two_steps_are_one_number() -> None:
    """As long as the flow waits for more."""
    assert play({"press": "1"}, {"press": "2"}).visited("good")


def test_silence_runs_out() -> None:
    """The flow goes on without keys."""
    result = play({"silence": "until timeout"})
    assert result.visited("bad")
    assert told(result, "caller") == ["is silent until the time is up"]
    assert result.lasted == pytest.approx(7.0, abs=0.1)


def test_silence_for_a_time() -> None:
    """Then the keys, if the flow still waits for them."""
    assert play({"silence": "3s"}, {"press": "12"}).visited("good")
    late = play({"silence": "8s"}, {"press": "12"})
    assert late.visited("bad")
    assert late.failures == ("steps[1].press: the flow did not ask for keys",)


@pytest.mark.parametrize("place", ["menu", "key", "bad"])
def test_a_caller_hangs_up_anywhere(place: str) -> None:
    """The call is over, and so is the flow."""
    result = play({"hangup": f"at {place}"})
    assert result.ended_reason == "reference_ended"
    assert result.history[-1].action == place
    assert result.history[-1].result == "interrupted"
    assert result.ok


def test_a_caller_hangs_up_after_a_while() -> None:
    """Counted from the step before, or from an action."""
    assert play({"hangup": "after 300ms"}).lasted == pytest.approx(0.3)
    assert play({"hangup": "2s after key"}).lasted == pytest.approx(3.0)


def test_a_hangup_behind_the_end_is_only_noted() -> None:
    """The flow hung up first."""
    result = play({"press": "12"}, {"hangup": "after 10m"})
    assert result.ok
    assert "the flow was over before steps[1].hangup" in told(result, "note")


def test_a_key_ends_a_talk_that_wants_it() -> None:
    """The caller need not listen to the end."""
    long = act("talk", id="menu", text="Press a key " * 50, digits_handle="next")
    result = play({"press": "1"}, flow=[long, act("talk", text="done")])
    assert result.said[-1] == "done"
    assert result.lasted < 5
    assert result.variables["voipbin.call.digits"] == "1"


def test_keys_can_be_pressed_during_an_action() -> None:
    """Where nobody asked for them."""
    result = play({"press": {"keys": "7", "at": "menu", "after": "500ms"}})
    key = next(one for one in result.timeline if one.kind == "caller")
    assert key.at == pytest.approx(0.5)


def test_listening() -> None:
    """Steps wait for what is said, in any case of letters, as a pattern, or word by word."""
    result = play({"hears": "press A"}, {"press": "12"}, {"hears": {"is": "good"}}, "hangup")
    assert result.ok, result.failures
    assert result.history[-1].action == "good"


@pytest.mark.parametrize(
    ("step", "failure"),
    [
        ({"hears": "Bonjour"}, "steps[0].hears: never heard 'Bonjour'"),
        ({"hears": {"is": "press"}}, "steps[0].hears: never heard 'press'"),
        ({"hears": {"contains": "bad", "within": "2s"}}, "steps[0].hears: did not hear 'bad' within 2s"),
        ({"hears": {"contains": "Bonjour", "within": "2s"}}, "steps[0].hears: did not hear 'Bonjour' within 2s"),
        ({"press": {"keys": "1", "at": "good"}}, "steps[0].press: the flow never came to good"),
        ({"hangup": "at good"}, "steps[0].hangup: the flow never came to good"),
        ({"reaches": "good"}, "steps[0].reaches: the flow never came to good"),
        ("continue", "steps[0]: the flow was never blocked"),
    ],
)
def test_what_never_happens_is_a_failure(step: Any, failure: str) -> None:
    """With the place in the script."""
    assert play(step).failures == (failure,)


def test_a_flow_that_never_asks_for_keys() -> None:
    """The script does not fit the flow."""
    flow = [act("talk", text="hi")]
    assert play({"press": "1"}, flow=flow).failures == ("steps[0].press: the flow did not ask for keys",)
    assert play({"silence": "until timeout"}, flow=flow).failures == ()


def test_steps_can_be_repeated() -> None:
    """As long as the flow is not over."""
    flow = [*MENU[:3], act("goto", target_id="menu")]
    result = play({"repeat": {"times": 3, "steps": [{"press": "11"}]}}, "hangup", flow=flow)
    assert told(result, "caller") == ["presses 1"] * 6 + ["hangs up"]
    assert play({"repeat": {"times": 1000, "steps": [{"press": "11"}]}}, flow=flow).ended == "limit_executions"


def test_what_the_caller_says_can_be_read() -> None:
    """As a transcription brings it."""
    flow = [act("transcribe_start"), act("talk", id="ask", text="Your name?"), act("sleep", duration=5000)]
    result = play({"hears": "name"}, {"say": "Dana"}, flow=flow)
    assert result.variables["voipbin.transcribe.text"] == "Dana"


def test_services_resume_a_blocked_flow_and_set_variables() -> None:
    """What is neither a call nor its caller."""
    flow = [act("block"), act("email_send", subject="${answer}"), act("block", id="again")]
    result = play({"set": {"answer": "yes"}}, "continue", {"reaches": "again"}, flow=flow, reference="api")
    assert result.ok, result.failures
    assert result.ended == "blocked"
    assert result.asked("email POST /v1/emails")[0].data["subject"] == "yes"
    assert "blocked at again: nobody resumes it" in result.why


def test_the_call_is_described_by_variables() -> None:
    """Who calls whom, as the platform tells it; variables of the platform may be given too."""
    flow = [act("talk", text="${voipbin.call.source.target} ${voipbin.call.destination.target} ${voipbin.x} ${mine}")]
    script = {"caller": "+1", "called": "+2", "variables": {"voipbin.x": "3", "mine": "4"}}
    assert simulate(flow, script).said == ("+1 +2 3 4",)


def test_names_of_actions() -> None:
    """By id, by type where there is one of it, by type and place."""
    result = play({"press": "12"})
    assert all(result.visited(name) for name in ("key", "digits_receive", "digits_receive[2]", "actions[2]"))
    assert not result.visited("bad")
    assert result.actions == ["answer", "menu", "key", "choice", "good", "bye"]
    with pytest.raises(InvalidScript, match="the flow has no action 'talk'"):
        play({"hangup": "at talk"})


def test_a_result_is_shown_in_a_line() -> None:
    """A failed assertion must not fill the screen."""
    assert repr(play({"hangup": "at menu"})) == "<Result ended: reference_ended at menu, after 0s>"


@pytest.mark.parametrize(
    ("option", "told_as"),
    [
        ({"length": 4, "key": "#", "duration": 90_000}, "waits for 4 keys or key #, at most 1m30s"),
        ({"key": "*#"}, "waits for one of * #"),
        ({"duration": 50}, "waits for keys, at most 50ms"),
    ],
)
def test_a_request_for_keys_tells_what_it_waits_for(option: dict[str, Any], told_as: str) -> None:
    """Number, end keys and time."""
    result = play("hangup", flow=[act("digits_receive", **option)])
    assert next(one.what for one in result.timeline if one.kind == "action").startswith(told_as)


def test_a_simulation_that_never_rests_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many things happen."""
    monkeypatch.setattr("flowmanager.simulation.office.MOST_TURNS", 5)
    result = play({"press": "12"})
    assert "more than 5 things happened without an end" in result.why
