"""`flowmanager simulate --explore`: every branch is found, what is missing has its reason, each finding its script."""

from __future__ import annotations

import sys
from functools import cache
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import click
import orjson
import pytest

from flowmanager import demo_flows
from flowmanager.commands.simulate import bar
from flowmanager.core.ids import START
from flowmanager.exploration.draft import Draft, script_text
from flowmanager.exploration.findings import Finding
from flowmanager.exploration.hints import hints_of
from flowmanager.exploration.show import finding, show
from flowmanager.ports import Ask
from flowmanager.testing import Exploration, explore, simulate
from tests.desk import act
from tests.faults.flows import ACTIONS, CALLED, ids_of
from tests.simulate.front_desk import FRONT_DESK, run, write

EMAIL = act("email_send", id="no")


def missing(found: Exploration) -> dict[str, str]:
    """What was not reached, and why."""
    actions, edges = found.coverage.missing_actions(), found.coverage.missing_edges()
    return {
        **{one: found.reasons.of_action(one) for one in actions},
        **{str(one): found.reasons.of_edge(one) for one in edges},
    }


def own(found: Exploration) -> list[Finding]:
    """Findings that nobody provoked."""
    return found.mistakes


def test_the_front_desk_is_walked_wholly(tmp_path: Path) -> None:
    """All actions, all edges; a caller who never presses a key runs into the limit, with a script that shows it."""
    shown = run(write(tmp_path, "flow.json", FRONT_DESK), "--explore", "--min-coverage", "100")
    assert shown.exit_code == 0, shown.output
    assert "every branch that was found" in shown.output
    assert "actions  11 of 11  100 %" in shown.output
    assert "edges    12 of 12  100 %" in shown.output
    assert "never reached" not in shown.output
    limit = shown.output.partition("runs into a limit")[2]
    assert "resumed more than 100 times" in limit
    assert "- silence: until timeout" in limit
    assert "queue POST /v1/services/type/queuecall: fail 503 once" in shown.output


def test_strict_fails_for_mistakes_of_the_flow_alone(tmp_path: Path) -> None:
    """Not for what others do wrong."""
    mine = [
        act("digits_receive", duration=3000, length=1),
        act("branch", target_ids={"1": "end"}),
        act("stop", id="end"),
    ]
    shown = run(write(tmp_path, "mine.json", mine), "--explore", "--strict")
    assert shown.exit_code == 1
    assert "1 of the findings are the flow's own" in shown.output
    assert run(write(tmp_path, "mine.json", mine), "--explore").exit_code == 0
    theirs = write(tmp_path, "theirs.json", [act("queue_join", queue_id=demo_flows.QUEUE_ID)])
    shown = run(theirs, "--explore", "--strict")
    assert (shown.exit_code, "when others fail" in shown.output) == (0, True)


def test_as_json(tmp_path: Path) -> None:
    """For programs: runs, ends, coverage, findings."""
    told = orjson.loads(run(write(tmp_path, "flow.json", FRONT_DESK), "--explore", "--json").output)
    assert told["complete"] is True
    assert told["coverage"]["edges"] == {"all": 12, "reached": 12, "percent": 100.0, "missing": []}
    assert {one["kind"] for one in told["findings"]} == {"limit", "error"}
    assert all(one["reproduced"] for one in told["findings"])


def test_too_few_runs_are_told(tmp_path: Path) -> None:
    """What was not tried is not called impossible; a wanted coverage that is missed is exit status 1."""
    path = write(tmp_path, "flow.json", FRONT_DESK)
    shown = run(path, "--explore", "--max-runs", "1", "--min-coverage", "90")
    assert shown.exit_code == 1
    assert "1 runs (given up: there is more, allow it with --max-runs)" in shown.output
    assert "support: not tried yet: allow more with --max-runs" in shown.output
    assert "wanted are 90 %" in shown.output


@pytest.mark.parametrize("shape", ACTIONS)
def test_other_peoples_flows(shape: str) -> None:
    """The flows of the fault tests: none of them has a mistake that nobody provoked."""
    found = explore(ACTIONS[shape](ids_of(Random(3))), {"reference": "call" if shape in CALLED else "api"})
    assert found.complete
    assert found.coverage.action_percent == 100.0
    assert [one.why for one in own(found) if "blocked at" not in one.why] == []


@pytest.mark.parametrize("flow", [demo_flows.wait_flow(), demo_flows.after_call_flow()], ids=["wait", "after"])
def test_the_other_flows_of_the_demonstration(flow: dict[str, Any]) -> None:
    """They have no branches: a few runs are all."""
    found = explore(flow)
    assert found.complete
    assert missing(found) == {}


def condition(target: str, **option: Any) -> dict[str, Any]:
    """A condition on a variable."""
    return act("condition_variable", **{"condition": "==", "value_type": "string", **option}, false_target_id=target)


def test_variables_that_only_others_can_set_are_tried() -> None:
    """Both sides of a comparison with a variable that no action sets."""
    flow = [
        condition("other", variable="${customer.tier}", value_string="gold"),
        act("talk", text="gold"),
        act("stop"),
        act("talk", id="other", text="other"),
    ]
    found = explore(flow)
    assert missing(found) == {}


def test_variables_of_the_flow_are_not_invented() -> None:
    """What an action sets has that value, so one side cannot be reached, and that is said."""
    flow = [
        act("variable_set", key="tier", value="silver"),
        condition("other", variable="tier", value_string="gold"),
        act("talk", id="never", text="gold"),
        act("talk", id="other", text="other"),
    ]
    reasons = missing(explore(flow))
    assert reasons["never → other"] == "never was not reached"
    assert "nothing that callers and other managers were tried to do leads there" in reasons["never"]


def when(target: str, sign: str, hour: int) -> dict[str, Any]:
    """A condition on the time of day."""
    return act("condition_datetime", condition=sign, hour=hour, minute=0, false_target_id=target)


def test_the_clock_is_moved_to_where_conditions_differ() -> None:
    """Before, within and after opening hours; both conditions at once never contradict each other."""
    flow = [when("closed", ">=", 9), when("closed", "<", 17), act("email_send", id="closed")]
    assert missing(explore(flow)) == {}


def test_times_that_do_not_exist_are_told() -> None:
    """After nine it is not before five."""
    flow = [
        when("end", ">=", 9),
        {**when("end", "<", 5), "id": "early"},
        act("email_send", id="never"),
        act("stop", id="end"),
    ]
    reasons = missing(explore(flow))
    assert "there is no time within a year" in reasons["early → never (true)"]
    assert "there is no time within a year" in reasons["never"]


def test_what_nothing_leads_to_is_told() -> None:
    """An action behind the end."""
    flow = [act("stop"), act("beep", id="lost")]
    assert missing(explore(flow)) == {"lost": "nothing leads there", "lost → end": "lost was not reached"}


def test_a_branch_without_a_default_is_found() -> None:
    """A key that nobody thought of ends the flow in an error; the script shows which."""
    flow = [act("digits_receive", id="ask", duration=3000, length=1), act("branch", id="menu", target_ids={"1": "ask"})]
    [finding] = [one for one in own(explore(flow)) if one.kind == "error"]
    assert "no target for the value" in finding.why
    assert finding.reproduced
    again = simulate(flow, finding.script)
    assert again.ended == "error"


def test_answers_of_servers_are_tried() -> None:
    """The status codes that a flow asks about."""
    flow = [
        act("webhook_send", sync=True, uri="https://crm.example.com", method="POST", data="{}"),
        condition("known", variable="voipbin.webhook.status_code", value_string="404"),
        act("email_send", id="unknown"),
        act("stop", id="known"),
    ]
    assert missing(explore(flow)) == {}


def test_agents_machines_and_statuses_are_tried() -> None:
    """Whoever is asked has more than one answer."""
    flow = [
        act("amd", machine_handle="hangup"),
        act("condition_call_status", status="progressing", false_target_id="keys"),
        act("talk", text="live"),
        act("condition_call_digits", id="keys", length=3, false_target_id="queue"),
        act("talk", text="pressed enough"),
        act("queue_join", id="queue", queue_id=demo_flows.QUEUE_ID),
        act("connect", destinations=[{"type": "tel", "target": "+3225550199"}]),
    ]
    found = explore(flow)
    assert missing(found) == {}
    assert {"finished", "error", "reference_ended"} <= found.ends.keys()


def test_each_request_of_an_action_can_turn_out_differently() -> None:
    """A connection makes a bridge, then a call: either fails, or nobody answers."""
    flow = [
        act("connect", id="connect", destinations=[{"type": "tel", "target": "+3225550199"}]),
        act("fetch", id="fetch", event_url="https://x.example/actions"),
        act("talk", id="last", text="bye"),
    ]
    found = explore(flow)
    assert missing(found) == {}
    provoked = [one for one in found.findings if one.provoked]
    lines = {line for one in provoked for line in one.script.get("peers", {})}
    assert lines == {"call POST /v1/confbridges", "call POST /v1/calls"}
    assert any(one.script.get("fetch") == {"https://x.example/actions": {"fail": 500}} for one in provoked)
    assert all(one.reproduced for one in found.findings)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ({"condition": ">", "value_type": "number", "value_number": 5}, {"5", "6", "4"}),
        ({"condition": "==", "value_type": "length", "value_length": 2}, {"00", "000", "0"}),
        ({"condition": "<", "value_type": "string", "value_string": "m"}, {"m", "m~", ""}),
        ({"condition": "!=", "value_type": "string", "value_string": "m"}, {"m"}),
    ],
)
def test_values_on_both_sides_of_a_comparison(option: dict[str, Any], values: set[str]) -> None:
    """Numbers, lengths and texts around the one that a condition names."""
    flow = [act("condition_variable", variable="given", false_target_id="no", **option), act("stop"), EMAIL]
    assert set(hints_of(flow).values["given"]) == values
    assert missing(explore(flow)) == {}


def test_a_script_needs_no_yaml_to_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package it is JSON, which is YAML too."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert orjson.loads(script_text({"steps": [{"press": "1"}]})) == {"steps": [{"press": "1"}]}


def test_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """On its error output, so that the result can be kept."""

    class Terminal(StringIO):
        """A terminal."""

        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with bar(4) as progress:
        progress(2)
        progress(2)
    assert "exploring" in shown.getvalue()
    assert "4/4" in shown.getvalue()


def test_what_cannot_be_said_in_a_script_is_told() -> None:
    """Nobody is led astray by a script that comes only near."""
    told = Finding("error", "ended", 1, {}, (), provoked=False, reproduced=False)
    assert "comes near" in "\n".join(finding(told))


def test_exploring_twice_finds_the_same() -> None:
    """Nothing is left to chance."""
    flow = [when("closed", ">=", 9), act("digits_receive", duration=1000, length=1), act("email_send", id="closed")]
    assert explore(flow).wire() == explore(flow).wire()


def test_the_surroundings_of_the_script_count() -> None:
    """Another kind of reference: what needs a call is skipped, and those are all the edges there are."""
    found = explore([act("talk", text="hi"), act("hangup"), act("email_send")], {"reference": "api"})
    assert missing(found) == {}
    assert found.ends.keys() == {"finished"}


CONNECT = act("connect", id="connect", destinations=[{"type": "tel", "target": "+3225550199"}])
SHOP = [
    act("talk", id="hello", text="hello"),
    act("digits_receive", id="number", duration=3000, length=4),
    act("email_send", id="mail", subject="${voipbin.call.digits}"),
    CONNECT,
    act("fetch", id="more", event_url="https://x.example/actions"),
    act("talk", id="bye", text="bye"),
]


@cache
def shop(mode: str = "push") -> Exploration:
    """That flow, explored."""
    return explore(SHOP, {"mode": mode})


def tried(found: Exploration, kind: str) -> set[str]:
    """Where a trouble of a kind was tried."""
    return {where for _, where, what in found.troubles.tried if what == kind}


def test_what_goes_wrong_around_a_flow_is_tried_everywhere() -> None:
    """Requests fail or stay without an answer, media cannot be played, callers hang up at every place."""
    found = shop()
    assert found.complete
    asked = {"mail: email POST /v1/emails", "connect: call POST /v1/confbridges", "connect: call POST /v1/calls"}
    assert tried(found, "fails") == tried(found, "does not answer") == {*asked, "https://x.example/actions"}
    assert tried(found, "hangs up meanwhile") == asked
    assert tried(found, "cannot be carried out") == {"hello", "number", "(confbridge_join)", "bye"}
    assert tried(found, "hangs up") == {"hello", "number", "(confbridge_join)", "bye"}
    assert tried(found, "hangs up after one key") == {"number"}
    assert found.troubles.percent == 100.0
    assert found.wire()["troubles"]["kinds"] == {"fail": 4, "timeout": 4, "media": 4, "hangup": 8}
    assert all(one.reproduced for one in found.findings)


def test_the_same_failure_in_two_ways_is_one_finding() -> None:
    """An error and a silence at one place: the second is told beside the first."""
    found = shop()
    [one] = [one for one in found.findings if "call POST /v1/calls" in one.script.get("peers", {})]
    assert {one.why, *one.also} == {
        "ended: error at connect: call-manager answered 503: a rule says so",
        "ended: error at connect: call-manager did not answer within 3 s",
    }
    assert f"  also: {one.also[0]}" in finding(one)
    fetched = [one for one in found.findings if "fetch" in one.script]
    assert [one.also for one in fetched] == [("ended: error at more: cannot fetch: no answer within 3 s",)]


def test_what_a_silence_costs_a_pulled_call_is_found() -> None:
    """call-manager gave up meanwhile; the script shows it."""
    found = shop("pull")
    [one] = [one for one in found.findings if one.kind == "never ends"]
    assert one.why == "waiting at (confbridge_join) (pull)"
    assert one.script["peers"] == {"email POST /v1/emails": "timeout once"}
    assert one.reproduced
    assert one.provoked
    assert simulate(SHOP, one.script).why == one.why


def test_a_media_action_that_fails_may_leave_a_variable_empty() -> None:
    """Nobody could press a key, and the branch behind it has no way for that."""
    flow = [
        act("digits_receive", id="ask", duration=3000, length=1),
        act("branch", id="menu", target_ids={"1": "end"} | {str(n): "end" for n in "023456789*#"}),
        act("talk", id="end", text="end"),
    ]
    [one] = [one for one in explore(flow).findings if one.script.get("peers")]
    assert one.script["peers"] == {"call POST /v1/calls/<id>/actions": "fail 503 once"}
    assert "no target for the value" in one.why
    assert one.reproduced


@pytest.mark.parametrize("kind", ["fail", "timeout", "media", "hangup"])
def test_a_kind_of_trouble_can_be_left_out(kind: str, tmp_path: Path) -> None:
    """In Python and on the command line; all others are tried."""
    found = explore(SHOP, without=[kind])
    assert set(found.troubles.counts()) == {"fail", "timeout", "media", "hangup"} - {kind}
    shown = run(write(tmp_path, "flow.json", SHOP[:3]), "--explore", "--without", kind)
    assert shown.exit_code == 0, shown.output
    [line] = [line for line in shown.output.splitlines() if line.startswith("troubles")]
    assert f" {kind}" not in line


def test_an_unknown_kind_of_trouble_is_refused(tmp_path: Path) -> None:
    """With those that there are."""
    with pytest.raises(
        ValueError, match="without: earthquake: no kind of trouble; there are fail, timeout, media, hangup"
    ):
        explore(SHOP, without=["earthquake"])
    shown = run(write(tmp_path, "flow.json", SHOP), "--without", "media")
    assert shown.exit_code == 2
    assert "--without needs --explore" in shown.output


def test_what_the_flow_itself_can_do_goes_first() -> None:
    """With few runs all ways are walked before troubles are tried; those that were not are told."""
    keys = [str(number) for number in range(6)]
    flow = [
        act("digits_receive", id="ask", duration=3000, length=1),
        act("branch", id="menu", target_ids={key: f"mail{key}" for key in keys}, default_target_id="end"),
        *[act("email_send", id=f"mail{key}", subject=key, next_id="end") for key in keys],
        act("stop", id="end"),
    ]
    found = explore(flow, max_runs=9)
    assert found.coverage.percent == 100.0
    assert not found.complete
    assert found.troubles.percent < 100.0
    assert {"where": "mail5: email POST /v1/emails", "what": "fails"} in found.wire()["troubles"]["missing"]


def test_a_flow_around_which_nothing_can_go_wrong() -> None:
    """It asks nobody, and nobody can hang up."""
    found = explore([act("variable_set", key="a", value="b")], {"reference": "api"})
    assert "troubles 0 of 0  100 %  (none)" in click.unstyle(show(found))


def test_what_the_script_says_of_others_counts_beside_the_troubles() -> None:
    """A finding is tried with both."""
    found = explore(SHOP, {"peers": {"email POST /v1/emails": "slow 1s"}})
    assert found.findings
    assert all(one.reproduced for one in found.findings)


def test_two_failures_of_one_request_are_one_script() -> None:
    """A list of what goes wrong, each counted behind the one before."""
    ask, draft = Ask(peer="email", method="POST", uri="/v1/emails"), Draft()
    for said in ("fail 503", "", "timeout"):
        draft.count(ask)
        if said:
            draft.fault(ask, said)
    assert draft.values["peers"] == {"email POST /v1/emails": ["fail 503 once", "timeout once after 1 good"]}
    result = simulate([{**EMAIL, "id": name} for name in "abc"], draft.values)
    assert [one.status_code for one in result.requests] == [503, 200, None]


def test_a_jump_to_the_beginning_is_a_way() -> None:
    """START means the first action, as for the engine."""
    found = explore([act("talk", id="hi", text="hi"), act("goto", id="again", target_id=START, loop_count=1)])
    assert [str(edge) for edge in found.coverage.graph.edges] == ["hi → again", "again → end", "again → hi (jump)"]
    assert missing(found) == {}


ORDER = [
    act("talk", id="hello", text="Your order number, please"),
    act("digits_receive", id="number", duration=8000, length=6, key="#"),
    act("webhook_send", id="ask", sync=True, uri="https://crm.example.com", method="POST", data="{}"),
    condition("unknown", variable="${voipbin.webhook.status_code}", value_string="200"),
    act("talk", id="status", text="It is on its way", next_id="more"),
    act("talk", id="unknown", text="We do not know it"),
    act("digits_receive", id="more", duration=5000, length=1),
    act("branch", id="choice", target_ids={"1": "hello"}, default_target_id="bye"),
    act("hangup", id="bye"),
]


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_keys_that_are_not_enough_are_waited_for(mode: str) -> None:
    """The script of a circle presses them once in each round, as the exploration did."""
    found = explore(ORDER, {"mode": mode})
    assert missing(found) == {}
    [limit] = [one for one in found.findings if one.kind == "limit"]
    assert not limit.provoked
    assert limit.reproduced
    assert found.runs < 120


def test_a_talk_that_a_key_ends_is_ended() -> None:
    """Any key is enough there."""
    found = explore([act("talk", id="menu", text="Press a key " * 50, digits_handle="next"), act("talk", text="bye")])
    assert missing(found) == {}


def test_what_the_script_sets_stands_beside_what_is_tried() -> None:
    """A finding that needs a value of a variable is tried with those of the script."""
    flow = [
        condition("end", variable="${tier}", value_string="gold"),
        condition("end", variable="${kind}", value_string="new"),
        act("block", id="stuck"),
        act("stop", id="end"),
    ]
    [one] = explore(flow, {"reference": "api", "variables": {"kind": "new"}}).findings
    assert one.script["variables"] == {"tier": "gold"}
    assert one.reproduced


@pytest.mark.parametrize("reference", ["api", None])
def test_the_script_of_a_finding_says_what_the_flow_runs_on(reference: str | None) -> None:
    """It shows the same by itself."""
    flow = [act("talk", text="skipped"), act("branch", variable="none", target_ids={"1": "end"}), act("stop", id="end")]
    [one] = [one for one in explore(flow, {"reference": reference}).findings if "variables" not in one.script]
    assert one.script == {"reference": reference}
    assert simulate(flow, one.script).why == one.why


def test_keys_are_not_guessed_from_what_the_platform_sets() -> None:
    """The status of an answer is no key."""
    assert hints_of(ORDER).keys == ("1",)


def test_the_same_trouble_in_a_row_is_counted() -> None:
    """And what is answered else stands behind it."""
    ask, draft = Ask(peer="call", method="GET", uri="/v1/calls/x"), Draft()
    draft.answer("call GET /v1/calls/x", {"status": "held"})
    for _ in range(3):
        draft.count(ask)
        draft.fault(ask, "fail 503")
    assert draft.values["peers"]["call GET /v1/calls/x"] == ["fail 503 3 times", {"answer": {"status": "held"}}]
