"""How everybody else behaves in a simulation: managers, agents, AIs, servers, and the clock."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.testing import InvalidFlow, Result, simulate
from tests.desk import act
from tests.simulate.front_desk import AFTER_CALL, AFTER_ID

QUEUE_ID = "d90b3c57-1e2f-4a64-b8c7-5f31a0d9e682"
AI_ID = "d90b3c57-1e2f-4a64-b8c7-5f31a0d9e683"
EMAIL = act("email_send", subject="s")
QUEUE = [act("queue_join", id="queue", queue_id=QUEUE_ID), act("talk", id="after", text="after")]
START = "queue-manager POST /v1/services/type/queuecall"
CONNECT = act("connect", id="connect", destinations=[{"type": "tel", "target": "+3225550199"}])


def results(result: Result) -> list[tuple[str, str]]:
    """Own actions and how they ended."""
    return [(one.action, one.result) for one in result.history if not one.flow]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("fail 503", "queue-manager answered 503"),
        ("fail 404 QUEUE_NOT_FOUND", "queue-manager answered 404"),
        ("timeout", "queue-manager did not answer within 3 s"),
        ("slow 4s", "queue-manager did not answer within 3 s"),
        ("garbled", "the answer of queue-manager cannot be read"),
    ],
)
def test_a_manager_that_fails_ends_a_flow_that_needs_it(fault: str, why: str) -> None:
    """As a worker says it; time-outs take their time."""
    result = simulate(QUEUE, {"peers": {START: fault}})
    assert result.ended == "error"
    assert why in result.why
    assert result.lasted == (3.0 if "within" in why else 0.0)
    assert result.requests[0].status_code == {"fail 503": 503, "fail 404 QUEUE_NOT_FOUND": 404}.get(fault)


def test_a_slow_answer_in_time_is_an_answer() -> None:
    """It only takes longer, and says so."""
    result = simulate(QUEUE, {"peers": {START: "slow 2s"}})
    assert result.ended == "finished"
    [asked] = result.asked(START)
    assert (asked.at, asked.seconds, asked.status_code) == (0.0, 2.0, 200)


def test_a_caller_can_hang_up_while_somebody_is_waited_for() -> None:
    """The flow is over at once; the answer that comes later is dropped."""
    result = simulate(QUEUE, {"peers": {START: "slow 2s"}, "steps": [{"hangup": "after 1s"}]})
    assert result.ended_reason == "reference_ended"
    assert result.lasted == 1.0
    assert results(result) == [("queue", "interrupted")]


def test_faults_are_counted() -> None:
    """Once, after some good ones, again and again."""
    flow = [{**EMAIL, "id": f"mail{number}"} for number in range(4)]

    def statuses(fault: str) -> list[int | None]:
        return [one.status_code for one in simulate(flow, {"peers": {"email POST /v1/emails": fault}}).requests]

    assert statuses("fail 500 once") == [500, 200, 200, 200]
    assert statuses("fail 500 twice after 1 good") == [200, 500, 500, 200]
    assert statuses("fail 500") == [500] * 4


def test_the_circuit_breaker_runs_on_the_virtual_clock() -> None:
    """After five time-outs a manager is left alone for thirty seconds."""
    flow = [{**EMAIL, "id": f"mail{number}"} for number in range(6)] + [act("sleep", duration=31_000), EMAIL]
    result = simulate(flow, {"peers": {"email POST /v1/emails": "timeout 5 times"}})
    assert [one.status_code for one in result.requests] == [None] * 5 + [200]
    assert [one.result for one in result.history].count("failed") == 6


def test_an_answer_can_be_replaced() -> None:
    """Key by key."""
    flow = [act("condition_call_status", status="held", false_target_id="no"), EMAIL, act("stop", id="no")]
    assert not simulate(flow).visited("email_send")
    assert simulate(flow, {"peers": {"call GET /v1/calls/<id>": {"answer": {"status": "held"}}}}).visited("email_send")


@pytest.mark.parametrize(
    ("agent", "lasts"),
    [("answers after 20s", 81.0), ("busy", 67.0), ("busy after 5s", 12.0), ("none", 2.0), ({"talks": "5s"}, 16.0)],
)
def test_agents(agent: Any, lasts: float) -> None:
    """Found after a while, never, or nobody there at all; what the wait flow does just then is done to its end."""
    result = simulate(QUEUE, {"agent": agent})
    assert result.ended == "finished"
    assert result.lasted == pytest.approx(lasts, abs=0.1)


def test_queues_have_wait_flows() -> None:
    """One of the script's."""
    flows = {AFTER_ID: {"name": "hold", "actions": [act("talk", text="la la la")]}}
    result = simulate(QUEUE, {"flows": flows, "agent": {"wait_flow": AFTER_ID, "after": "2s"}})
    assert "la la la" in result.said
    assert any(one.action == "hold:talk[0]" for one in result.history)


def test_an_ai_sets_variables() -> None:
    """What it found out is there when the flow goes on."""
    flow = [act("ai_talk", assistance_type="ai", assistance_id=AI_ID), act("talk", text="You want ${wish}")]
    result = simulate(flow, {"ai": {"after": "40s", "variables": {"wish": "a refund"}}})
    assert result.said == ("You want a refund",)
    assert result.lasted == pytest.approx(41.1, abs=0.5)


def test_a_machine_is_hung_up_on() -> None:
    """Unless the flow wants to go on."""
    for handle, ended in (("hangup", "reference_ended"), ("continue", "finished")):
        assert simulate([act("amd", machine_handle=handle)], {"amd": "machine"}).ended == ended
        assert simulate([act("amd", machine_handle=handle)], {"amd": "human"}).ended == "finished"


@pytest.mark.parametrize(("outcome", "lasts"), [("answers", 60.0), ("busy", 1.5), ("noanswer", 1.5)])
def test_calls_that_a_flow_makes(outcome: str, lasts: float) -> None:
    """Who is called answers, or not; the caller is told to come back."""
    result = simulate([CONNECT], {"calls": {"+3225550199": outcome}})
    assert result.ended == "finished"
    assert result.lasted == pytest.approx(lasts, abs=2.0)
    assert any(one.flow == "leg" for one in result.timeline)


def test_fetched_actions_run() -> None:
    """What a customer's server gives, or that it fails."""
    flow = [act("fetch", event_url="https://x.example/actions")]
    given = {"https://x.example/actions": [act("talk", text="fetched")]}
    assert simulate(flow, {"fetch": given}).said == ("fetched",)
    assert simulate(flow, {"fetch": {"*": [act("talk", text="any")]}}).said == ("any",)
    assert simulate(flow).ended == "finished"
    failed = simulate(flow, {"fetch": {"*": {"fail": 500}}})
    assert "the server answered 500" in failed.why
    assert failed.requests[0].line == "web GET https://x.example/actions"


def test_servers_answer_webhooks() -> None:
    """What the script says, by address."""
    flow = [
        act("webhook_send", sync=True, uri="https://x.example", method="POST", data="{}"),
        act("talk", text="${voipbin.webhook.status_code} ${voipbin.webhook.response}"),
    ]
    webhooks = {"https://x.example": {"status_code": 404, "response": "unknown"}}
    assert simulate(flow, {"webhooks": webhooks}).said == ("404 unknown",)


def open_from(hour: int, condition: str = ">=") -> dict[str, Any]:
    """A condition on the time."""
    return act("condition_datetime", condition=condition, hour=hour, minute=0, false_target_id="closed")


@pytest.mark.parametrize(
    ("start", "is_open"),
    [
        ("2026-03-02 07:59", False),
        ("2026-03-02 08:00", True),
        ("2026-03-02 08:59 Europe/Brussels", False),
        ("2026-07-02 10:00 Europe/Brussels", True),
        ("2026-07-02 09:59 Europe/Brussels", False),
    ],
)
def test_the_time_of_day(start: str, is_open: bool) -> None:
    """Conditions count in UTC, scripts in the zone that they name."""
    flow = [open_from(8), act("stop"), act("email_send", id="closed")]
    assert simulate(flow, {"start": start}).visited("closed") is not is_open


def test_time_passes_between_conditions() -> None:
    """Also over the night in which clocks are put forward: an hour of sleep is an hour."""
    flow = [act("sleep", duration=3_600_000), open_from(2, "=="), act("stop"), act("email_send", id="closed")]
    assert not simulate(flow, {"start": "2026-03-29 01:00 UTC"}).visited("closed")
    assert not simulate(flow, {"start": "2026-03-29 03:00 Europe/Brussels"}).visited("closed")


def test_what_follows_the_call_is_run() -> None:
    """The on-complete flow, when the script brings it; else it is said that it is missing."""
    flow = {"on_complete_flow_id": AFTER_ID, "actions": [act("hangup")]}
    followed = simulate(flow, {"flows": {AFTER_ID: AFTER_CALL}})
    assert {one.flow for one in followed.history} == {"", "after"}
    alone = simulate(flow)
    [note] = [one.what for one in alone.timeline if "not known here" in one.what]
    assert AFTER_ID in note


def test_a_flow_as_it_was_read_from_the_service() -> None:
    """With its id and times."""
    flow = {"id": AFTER_ID, "tm_create": "2026-01-01T00:00:00Z", "customer_id": QUEUE_ID, "actions": [act("beep")]}
    assert simulate(flow).ended == "finished"


def test_a_simulation_is_given_up_in_the_end() -> None:
    """What has not ended by then is told."""
    flow = [act("sleep", id="rest", duration=7_200_000)]
    result = simulate(flow, {"limit": "1h", "expect": {"ended": "waiting"}})
    assert result.ok
    assert result.why == "waiting at rest (timer); more than 1h have passed"


@pytest.mark.parametrize("flow", [5, {}, {"actions": 5}, "nothing"])
def test_what_is_no_flow(flow: Any) -> None:
    """Nothing is guessed."""
    with pytest.raises((InvalidFlow, FileNotFoundError)):
        simulate(flow)


def test_a_bad_flow_of_the_script_is_named() -> None:
    """By its name, with the path."""
    flows = {AFTER_ID: {"name": "after-call", "actions": [act("dance")]}}
    with pytest.raises(InvalidFlow, match=r"after-call: actions\[0\].type: not supported action type: dance"):
        simulate([act("beep")], {"flows": flows})


def test_a_caller_hangs_up_while_nothing_else_happens() -> None:
    """Whoever waits for the flow to come to an action notices it before time passes."""
    flow = [act("talk", text="hi"), {**EMAIL, "id": "mail"}]
    result = simulate(flow, {"peers": {"email POST /v1/emails": "slow 2s"}, "steps": [{"hangup": "1s after mail"}]})
    assert (result.ended_reason, result.lasted) == ("reference_ended", 2.0)


def test_a_server_that_does_not_answer_takes_its_time() -> None:
    """As long as a worker waits for it."""
    result = simulate([act("fetch", event_url="https://x.example/a")], {"fetch": {"*": {"fail": "timeout"}}})
    assert result.why == "ended: error at fetch[0]: cannot fetch: no answer within 3 s"
    assert (result.lasted, result.requests[0].status_code) == (3.0, None)
