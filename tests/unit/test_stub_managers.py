"""The stub managers speak the contract, emit the events, and misbehave on demand; no broker, the clock in our hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest

from flowmanager import executors
from flowmanager.core.ids import NIL
from flowmanager.discover import collect
from flowmanager.errors import BrokerLost, FlowManagerError, InvalidSetting, PeerError, PeerTimeout
from flowmanager.executor import Completion, Executor, Kind
from flowmanager.ports import Ask
from flowmanager.stub_managers.queue_manager import end
from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.records import Asked, Exchange, Sent
from flowmanager.stub_managers.rules import NONSENSE, Fault, Rule, parse_rule
from flowmanager.stub_managers.stub_world import StubWorld
from flowmanager.stub_managers.timetable import Timetable
from flowmanager.stub_managers.world import Pace

FLOW, CALL, QUEUE, CUSTOMER = (str(uuid4()) for _ in range(4))
PACE = Pace()


@dataclass
class Outside:
    """Keeps what is sent; answers for flow-manager, or fails with `error`."""

    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    error: FlowManagerError | None = None
    lost: int = 0
    """How many events the broker does not take."""

    def publish_event(self, manager: str, body: Mapping[str, Any]) -> None:
        if self.lost:
            self.lost -= 1
            raise BrokerLost
        self.events.append((manager, body))

    def send_event(self, body: Mapping[str, Any]) -> None:
        self.publish_event("", body)

    def ask(self, ask: Ask) -> Any:
        self.asks.append(ask)
        if self.error:
            raise self.error
        return self.answers.get(ask.uri)


class Stage:
    """The stubs, a fake outside and a clock that only we move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.outside = Outside(answers={f"/v1/activeflows/{FLOW}": {"customer_id": CUSTOMER}})
        self.outside.answers["/v1/flows"] = {"id": str(uuid4())}
        self.world = StubWorld(self.outside, timetable=Timetable(clock=lambda: self.now))

    def ask(self, manager: str, method: str, uri: str, data: Any = None) -> Any:
        return self.world.answer(manager, {"method": method, "uri": uri, "data": data, "request_id": "r1"})

    def good(self, manager: str, method: str, uri: str, data: Any = None) -> Any:
        reply = self.ask(manager, method, uri, data)
        assert reply["status_code"] == 200
        return reply.get("data")

    def act(self, action_type: str, *, call_id: str = CALL, **option: Any) -> str:
        """Send a media action as flow-manager does."""
        action_id = str(uuid4())
        action = {"id": action_id, "type": action_type, "option": option}
        self.good("call", "POST", f"/v1/calls/{call_id}/actions", {"activeflow_id": FLOW, "action": action})
        return action_id

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due meanwhile."""
        end = self.now + seconds
        while (due := self.world.timetable.next_due()) is not None and due <= end:
            self.now = max(due, self.now)
            self.world.timetable.run_due()
        self.now = end

    def names(self) -> list[str]:
        """What was emitted: types, short events as `kind/event`."""
        return [
            f"{body['type']}/{body['event']}" if "event" in body else body["type"] for _, body in self.outside.events
        ]

    def last(self, event_type: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = [body for _, body in self.outside.events if body["type"] == event_type][-1]
        return found

    def asked(self) -> list[tuple[str, str]]:
        return [(ask.method, ask.uri) for ask in self.outside.asks]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def event_names(stage: Stage, *, without: str = "") -> list[str]:
    return [name for name in stage.names() if not without or not name.startswith(without)]


# --- media in push mode ---


def test_a_talk_answers_the_call_and_is_done_after_a_while(stage: Stage) -> None:
    action_id = stage.act("talk", text="hello")
    assert stage.names() == ["call_progressing"]
    stage.advance(PACE.media)
    manager, done = stage.outside.events[-1]
    assert (manager, done) == (
        "",
        {"type": "media", "call_id": CALL, "event": "done", "data": {"action_id": action_id, "activeflow_id": FLOW}},
    )


def test_events_of_managers_have_the_envelope_of_managers(stage: Stage) -> None:
    stage.act("answer")
    manager, body = stage.outside.events[0]
    assert manager == "call"
    assert body.keys() == {"type", "publisher", "data_type", "data"}
    assert (body["publisher"], body["data"]["id"], body["data"]["activeflow_id"]) == ("call-manager", CALL, FLOW)


CALLER_TYPES = [one for one in collect(executors, Executor) if one.kind is Kind.CALLER and one.run is None]
ENDS_OTHERWISE = {"hangup": "call_hangup", "confbridge_join": "confbridge_leaved", "digits_receive": ""}


@pytest.mark.parametrize("executor", CALLER_TYPES, ids=lambda one: one.name)
def test_a_type_is_reported_done_exactly_when_flow_manager_waits_for_that(stage: Stage, executor: Executor) -> None:
    option = executor.option().load({})
    stage.act(executor.name)
    stage.advance(10)
    waits = executor.completion(option) is Completion.BY_EVENT and executor.name not in ENDS_OTHERWISE
    assert stage.names().count("media/done") == waits
    assert ENDS_OTHERWISE.get(executor.name, "") in ["", *stage.names()]


@pytest.mark.parametrize("action_type", ["talk", "amd"])
def test_nobody_waits_for_what_is_asynchronous(stage: Stage, action_type: str) -> None:
    option: dict[str, Any] = {"async": True}
    stage.act(action_type, **option)
    stage.advance(10)
    assert "media/done" not in stage.names()


def test_a_newer_action_silences_the_older_one(stage: Stage) -> None:
    stage.act("play")
    second = stage.act("play")
    stage.advance(1)
    assert stage.names() == ["media/done"]
    assert stage.last("media")["data"]["action_id"] == second


def test_digits_come_from_the_script_one_entry_for_each_request(stage: Stage) -> None:
    stage.world.script_digits(CALL, "12")
    stage.world.script_digits("*", "#")
    stage.act("digits_receive")
    stage.advance(PACE.step)
    assert [body["data"]["digit"] for _, body in stage.outside.events] == ["1"]
    stage.advance(PACE.step)
    stage.act("digits_receive")
    stage.advance(1)
    assert [body["data"]["digit"] for _, body in stage.outside.events] == ["1", "2", "#"]
    assert stage.names() == ["dtmf_received"] * 3
    assert stage.last("dtmf_received")["data"]["call_id"] == CALL
    assert stage.good("call", "GET", f"/v1/calls/{CALL}/digits") == {"digits": "12#"}


def test_digits_for_a_call_that_waits_are_pressed_at_once(stage: Stage) -> None:
    stage.act("digits_receive")
    stage.world.script_digits(CALL, "5")
    stage.advance(1)
    assert stage.names() == ["dtmf_received"]


def test_no_key_is_pressed_after_the_end_of_a_call(stage: Stage) -> None:
    stage.act("digits_receive")
    stage.world.script_digits(CALL, "5")
    stage.world.hang_up(CALL)
    stage.world.press(CALL, "1")
    stage.advance(1)
    assert stage.names() == ["call_hangup"]


def test_a_call_that_is_over_does_not_ring(stage: Stage) -> None:
    leg = stage.good("call", "POST", "/v1/calls", outgoing("+1"))["calls"][0]
    stage.world.hang_up(leg["id"])
    stage.advance(1)
    assert stage.names() == ["call_created", "call_hangup"]


def test_digits_can_be_replaced(stage: Stage) -> None:
    stage.good("call", "POST", f"/v1/calls/{CALL}/digits", {"digits": "77"})
    assert stage.good("call", "GET", f"/v1/calls/{CALL}/digits") == {"digits": "77"}


def test_a_hangup_is_announced_once_and_ends_the_call(stage: Stage) -> None:
    stage.act("talk")
    stage.act("hangup", reason="busy")
    stage.world.hang_up(CALL)
    stage.advance(1)
    assert stage.names() == ["call_progressing", "call_hangup"]
    ended = stage.last("call_hangup")["data"]
    assert (ended["status"], ended["hangup_reason"], ended["hangup_by"]) == ("hangup", "busy", "local")
    reply = stage.ask("call", "POST", f"/v1/calls/{CALL}/actions", {"action": {"type": "play"}})
    assert (reply["status_code"], reply["data"]["reason"]) == (409, "CALL_HANGUP")


def test_a_hangup_can_take_its_reason_from_another_call(stage: Stage) -> None:
    other = str(uuid4())
    stage.world.hang_up(other, reason="noanswer")
    stage.act("hangup", reference_id=other)
    assert stage.last("call_hangup")["data"]["hangup_reason"] == "noanswer"


@pytest.mark.parametrize("action", [None, "talk", {}, {"type": 5}])
def test_an_action_that_is_none_is_refused(stage: Stage, action: object) -> None:
    assert stage.ask("call", "POST", f"/v1/calls/{CALL}/actions", {"action": action})["status_code"] == 400


def test_an_option_that_is_none_is_empty(stage: Stage) -> None:
    action = {"id": NIL, "type": "talk", "option": [1]}
    stage.good("call", "POST", f"/v1/calls/{CALL}/actions", {"activeflow_id": FLOW, "action": action})


def test_next_breaks_off_what_a_call_does(stage: Stage) -> None:
    action_id = stage.act("play")
    stage.good("call", "POST", f"/v1/calls/{CALL}/action-next", {"force": True})
    stage.advance(0)
    assert stage.last("media")["data"]["action_id"] == action_id
    stage.good("call", "POST", f"/v1/calls/{CALL}/action-next", {"force": True})
    stage.advance(1)
    assert stage.names() == ["media/done"]


def test_a_recording_is_announced_at_its_begin_and_end(stage: Stage) -> None:
    stage.act("recording_start", format="mp3")
    stage.act("recording_start")
    stage.act("recording_stop")
    stage.act("recording_stop")
    assert stage.names() == ["recording_started", "recording_finished"]
    recording = stage.last("recording_finished")["data"]
    assert (recording["format"], recording["status"], recording["activeflow_id"]) == ("mp3", "ended", FLOW)
    assert stage.good("call", "GET", f"/v1/calls/{CALL}")["recording_ids"] == [recording["id"]]


def test_recordings_can_be_asked_for_directly(stage: Stage) -> None:
    stage.good("call", "POST", f"/v1/calls/{CALL}/recording_start", {"format": "wav"})
    stage.good("call", "POST", f"/v1/calls/{CALL}/recording_stop")
    assert stage.names() == ["recording_started", "recording_finished"]


# --- bridges and calls that flows make ---


def test_a_join_ends_when_the_call_leaves_and_no_done_is_sent(stage: Stage) -> None:
    bridge = stage.good("call", "POST", "/v1/confbridges", {"type": "conference"})
    stage.act("confbridge_join", confbridge_id=bridge["id"])
    stage.advance(10)
    assert stage.names() == ["confbridge_created", "confbridge_joined", "confbridge_leaved"]
    assert stage.last("confbridge_leaved")["data"]["leaved_call_id"] == CALL


def test_a_bridge_nobody_made_is_made_by_joining(stage: Stage) -> None:
    stage.act("confbridge_join", confbridge_id=str(uuid4()))
    assert stage.names()[-1] == "confbridge_joined"


def test_next_takes_a_call_out_of_its_bridge(stage: Stage) -> None:
    stage.act("confbridge_join", confbridge_id=str(uuid4()))
    stage.good("call", "POST", f"/v1/calls/{CALL}/action-next", {"force": True})
    stage.advance(10)
    assert stage.names().count("confbridge_leaved") == 1


def test_bridges_can_be_directed_by_requests(stage: Stage) -> None:
    bridge_id = str(uuid4())
    for method, uri in (
        ("POST", f"/v1/confbridges/{bridge_id}/calls/{CALL}"),
        ("DELETE", f"/v1/confbridges/{bridge_id}/calls/{CALL}"),
        ("POST", f"/v1/confbridges/{bridge_id}/terminate"),
    ):
        stage.good("call", method, uri)
    assert stage.good("call", "GET", f"/v1/confbridges/{bridge_id}")["status"] == "terminated"
    assert stage.names()[1:] == ["confbridge_joined", "confbridge_leaved", "confbridge_terminated"]


def outgoing(*targets: str, **more: Any) -> dict[str, Any]:
    destinations = [{"type": "tel", "target": target} for target in targets]
    return {"customer_id": CUSTOMER, "flow_id": QUEUE, "source": {}, "destinations": destinations, **more}


def test_a_call_gets_its_activeflow_before_it_is_answered_and_runs_it_then(stage: Stage) -> None:
    made = stage.good("call", "POST", "/v1/calls", outgoing("+1", master_call_id=CALL))
    leg = made["calls"][0]
    assert "groupcalls" not in made
    flow = leg["activeflow_id"]
    assert stage.asked() == [("POST", "/v1/activeflows")]
    assert stage.outside.asks[0].body == {
        "id": flow,
        "customer_id": CUSTOMER,
        "flow_id": QUEUE,
        "reference_type": "call",
        "reference_id": leg["id"],
    }
    stage.advance(1)
    assert stage.names() == ["call_created", "call_dialing", "call_ringing", "call_progressing"]
    assert stage.asked()[-1] == ("POST", f"/v1/activeflows/{flow}/execute")


def test_the_variables_of_a_call_are_set_when_its_activeflow_exists(stage: Stage) -> None:
    stage.outside.answers["/v1/activeflows"] = {}
    leg = stage.good("call", "POST", "/v1/calls", outgoing("+1"))["calls"][0]
    told = stage.outside.asks[1].body["variables"]
    assert (told["voipbin.call.id"], told["voipbin.call.destination.target"]) == (leg["id"], "+1")


def test_calls_need_not_run_flows(stage: Stage) -> None:
    stage.world.run_legs = False
    stage.good("call", "POST", "/v1/calls", outgoing("+1"))
    stage.advance(1)
    assert stage.asked() == []


def test_a_group_is_called_as_a_group(stage: Stage) -> None:
    body = outgoing() | {"destinations": [{"type": "agent", "target": "a"}, {"type": "sip", "target": "b"}]}
    made = stage.good("call", "POST", "/v1/calls", body)
    assert (len(made["calls"]), len(made["groupcalls"])) == (1, 1)


def test_calls_without_destination_are_refused(stage: Stage) -> None:
    assert stage.ask("call", "POST", "/v1/calls", outgoing())["status_code"] == 400


def test_a_call_can_be_told_not_to_be_answered(stage: Stage) -> None:
    stage.world.script_answer("+1", "busy")
    stage.good("call", "POST", "/v1/calls", outgoing("+1"))
    stage.advance(1)
    assert stage.last("call_hangup")["data"]["hangup_reason"] == "busy"
    assert "call_progressing" not in stage.names()


def connect(stage: Stage) -> tuple[str, str]:
    """Connect the call with another one, as `connect` does; return the other one and the bridge."""
    bridge_id = stage.good("call", "POST", "/v1/confbridges", {"type": "connect", "reference_type": "call"})["id"]
    leg = stage.good("call", "POST", "/v1/calls", outgoing("+1", master_call_id=CALL))["calls"][0]["id"]
    stage.act("confbridge_join", confbridge_id=bridge_id)
    return leg, bridge_id


def leavers(stage: Stage) -> list[str]:
    return [body["data"]["leaved_call_id"] for _, body in stage.outside.events if body["type"] == "confbridge_leaved"]


def test_connected_calls_leave_together(stage: Stage) -> None:
    leg, bridge_id = connect(stage)
    stage.advance(0.5)
    assert leavers(stage) == []
    stage.act("confbridge_join", call_id=leg, confbridge_id=bridge_id)
    stage.advance(PACE.bridge)
    assert sorted(leavers(stage)) == sorted([leg, CALL])


def test_a_connection_ends_when_one_side_hangs_up(stage: Stage) -> None:
    leg, bridge_id = connect(stage)
    stage.act("confbridge_join", call_id=leg, confbridge_id=bridge_id)
    stage.world.hang_up(leg)
    assert sorted(leavers(stage)) == sorted([leg, CALL])


def test_a_call_does_not_wait_for_one_that_is_busy(stage: Stage) -> None:
    stage.world.script_answer("*", "busy")
    connect(stage)
    stage.advance(PACE.step * 3)
    assert leavers(stage) == [CALL]


# --- queues ---


def join_queue(stage: Stage, plan: QueuePlan | None = None) -> dict[str, Any]:
    if plan:
        stage.world.queue(QUEUE, plan)
    body = {"queue_id": QUEUE, "activeflow_id": FLOW, "reference_type": "call", "reference_id": CALL}
    found: dict[str, Any] = stage.good("queue", "POST", "/v1/services/type/queuecall", body)
    return found


def test_a_queue_answers_with_its_wait_loop_and_the_bridge(stage: Stage) -> None:
    service = join_queue(stage, QueuePlan(wait_flow_id=CUSTOMER, name="sales"))
    wait, again, join = service["push_actions"]
    assert (service["type"], wait["type"], wait["option"]) == ("queuecall", "fetch_flow", {"flow_id": CUSTOMER})
    assert (again["type"], again["next_id"], again["option"]) == ("empty", wait["id"], {})
    assert (join["type"], join["next_id"], list(join["option"])) == ("confbridge_join", NIL, ["confbridge_id"])
    assert stage.asked() == [("POST", f"/v1/variables/{FLOW}/variables")]
    assert stage.outside.asks[0].body["variables"] == {
        "voipbin.queue.id": QUEUE,
        "voipbin.queue.name": "sales",
        "voipbin.queue.detail": "",
        "voipbin.queuecall.id": service["id"],
        "voipbin.queuecall.timeout_wait": "0",
        "voipbin.queuecall.timeout_service": "0",
    }


def test_a_queue_without_wait_flow_makes_one_for_each_customer(stage: Stage) -> None:
    first, second = join_queue(stage)["push_actions"][0], join_queue(stage)["push_actions"][0]
    assert first["option"] == second["option"] == {"flow_id": stage.outside.answers["/v1/flows"]["id"]}
    assert stage.asked().count(("POST", "/v1/flows")) == 1


@pytest.mark.parametrize("missing", ["/v1/flows", f"/v1/activeflows/{FLOW}"])
def test_a_queue_that_cannot_make_a_wait_flow_lets_callers_sleep(stage: Stage, missing: str) -> None:
    del stage.outside.answers[missing]
    assert join_queue(stage)["push_actions"][0]["type"] == "sleep"


def test_an_agent_is_found_after_the_call_waits(stage: Stage) -> None:
    service = join_queue(stage)
    stage.advance(5)
    assert "queuecall_waiting" not in stage.names()
    for _ in range(2):
        stage.good("queue", "POST", f"/v1/queuecalls/{service['id']}/status_waiting")
    stage.advance(PACE.agent)
    ask = stage.outside.asks[-1]
    assert (ask.method, ask.uri) == ("PUT", f"/v1/activeflows/{FLOW}/forward_action_id")
    join = service["push_actions"][2]
    assert ask.body == {"forward_action_id": join["id"], "forward_now": True}
    stage.act("confbridge_join", **join["option"])
    stage.advance(5)
    assert event_names(stage, without="confbridge") == [
        "queuecall_created",
        "queuecall_waiting",
        "queuecall_connecting",
        "queuecall_serviced",
        "queuecall_done",
    ]
    done = stage.last("queuecall_done")["data"]
    assert (done["id"], done["reference_activeflow_id"], done["status"]) == (service["id"], FLOW, "done")
    assert stage.good("queue", "GET", f"/v1/queuecalls/{service['id']}")["status"] == "done"


def wait_in_queue(stage: Stage, plan: QueuePlan) -> None:
    service = join_queue(stage, plan)
    stage.good("queue", "POST", f"/v1/queuecalls/{service['id']}/status_waiting")


def test_a_caller_can_be_sent_away(stage: Stage) -> None:
    wait_in_queue(stage, QueuePlan(timeout_wait=2))
    stage.advance(2)
    assert stage.asked()[-1] == ("POST", f"/v1/activeflows/{FLOW}/service_stop")
    assert stage.names()[-1] == "queuecall_abandoned"
    assert stage.last("queuecall_abandoned")["data"]["timeout_wait"] == 2000


def test_a_queuecall_whose_flow_is_gone_is_abandoned(stage: Stage) -> None:
    wait_in_queue(stage, QueuePlan(agent_after=1))
    stage.outside.error = PeerError("flow", 409)
    stage.advance(10)
    assert stage.names()[-2:] == ["queuecall_connecting", "queuecall_abandoned"]


def test_an_agent_insists_while_flow_manager_does_not_answer(stage: Stage) -> None:
    wait_in_queue(stage, QueuePlan(agent_after=0))
    stage.outside.error = PeerTimeout("flow", 3)
    stage.advance(1)
    stage.outside.error = None
    stage.advance(1)
    assert stage.names()[-1] == "queuecall_serviced"


def test_an_agent_does_not_insist_for_ever(stage: Stage) -> None:
    wait_in_queue(stage, QueuePlan(agent_after=0))
    stage.outside.error = PeerTimeout("flow", 3)
    stage.advance(100)
    assert stage.world.timetable.next_due() is None


def test_a_queuecall_ends_once(stage: Stage) -> None:
    service = join_queue(stage)
    stage.good("queue", "POST", f"/v1/queuecalls/{service['id']}/status_waiting")
    stage.act("confbridge_join", **service["push_actions"][2]["option"])
    stage.outside.error = PeerTimeout("flow", 3)
    stage.advance(PACE.agent)
    stage.world.hang_up(CALL)
    stage.outside.error = None
    stage.advance(5)
    assert [name for name in stage.names() if name.startswith("queuecall")][-1] == "queuecall_done"


def test_no_agent_is_sought_for_a_queuecall_that_is_over(stage: Stage) -> None:
    service = join_queue(stage)
    stage.good("queue", "POST", f"/v1/queuecalls/{service['id']}/status_waiting")
    end(stage.world, stage.world.table("queuecalls")[service["id"]], "abandoned")
    end(stage.world, stage.world.table("queuecalls")[service["id"]], "done")
    stage.advance(5)
    assert stage.names()[-1] == "queuecall_abandoned"


def test_an_unknown_queuecall_is_refused(stage: Stage) -> None:
    reply = stage.ask("queue", "POST", f"/v1/queuecalls/{NIL}/status_waiting")
    assert (reply["status_code"], reply["data_type"]) == (404, "voipbin_error")
    assert (reply["data"]["reason"], reply["data"]["domain"]) == ("QUEUECALL_NOT_FOUND", "queue-manager")


# --- AI ---


def start_ai(stage: Stage, kind: str = "aicall", **more: Any) -> dict[str, Any]:
    body = {"activeflow_id": FLOW, "reference_id": CALL, **more}
    found: dict[str, Any] = stage.good("ai", "POST", f"/v1/services/type/{kind}", body)
    return found


def test_an_ai_talks_in_a_bridge_until_it_ends_the_conversation(stage: Stage) -> None:
    service = start_ai(stage, reference_type="call")
    (join,) = service["push_actions"]
    stage.act("confbridge_join", **join["option"])
    stage.advance(5)
    assert stage.asked()[-1] == ("POST", f"/v1/activeflows/{FLOW}/service_stop")
    assert stage.outside.asks[-1].body == {"service_id": service["id"]}
    assert stage.names()[-3:] == ["confbridge_leaved", "confbridge_terminated", "aicall_status_terminated"]
    ended = stage.last("aicall_status_terminated")["data"]
    assert (ended["id"], ended["activeflow_id"]) == (service["id"], FLOW)


@pytest.mark.parametrize(("kind", "reference_type"), [("aicall", "conversation"), ("task", "")])
def test_other_work_of_an_ai_blocks_the_flow_and_continues_it(stage: Stage, kind: str, reference_type: str) -> None:
    service = start_ai(stage, kind, reference_type=reference_type)
    assert [(one["id"], one["type"]) for one in service["push_actions"]] == [(service["id"], "block")]
    stage.advance(5)
    assert [uri.rpartition("/")[2] for _, uri in stage.asked()[1:]] == ["service_stop", "continue"]
    assert stage.outside.asks[-1].body == {"current_action_id": service["id"]}


def test_an_ai_needs_a_call_or_a_conversation(stage: Stage) -> None:
    reply = stage.ask("ai", "POST", "/v1/services/type/aicall", {"reference_type": "campaign"})
    assert reply["status_code"] == 400


def test_a_summary_pushes_nothing_and_is_done_later(stage: Stage) -> None:
    service = start_ai(stage, "summary", on_end_flow_id=QUEUE)
    assert (service["type"], service["push_actions"]) == ("ai_summary", [])
    stage.outside.answers["/v1/activeflows"] = {}
    stage.advance(5)
    assert stage.names() == ["summary_created", "summary_updated"]
    assert [uri.split("/")[2] for _, uri in stage.asked()] == ["variables", "activeflows", "activeflows"]
    assert stage.asked()[-1][1].endswith("/execute")


def test_a_summary_need_not_start_a_flow(stage: Stage) -> None:
    start_ai(stage, "summary")
    stage.advance(5)
    assert len(stage.asked()) == 1


def test_a_summary_whose_flow_is_refused_does_not_start_it(stage: Stage) -> None:
    start_ai(stage, "summary", on_end_flow_id=QUEUE)
    stage.advance(5)
    assert stage.asked()[-1] == ("POST", "/v1/activeflows")


# --- the other managers ---


def test_calls_share_the_bridge_of_a_conference_and_each_tells_when_it_leaves(stage: Stage) -> None:
    other, services = str(uuid4()), []
    for call_id in (CALL, other):
        body = {"activeflow_id": FLOW, "conference_id": QUEUE, "reference_type": "call", "reference_id": call_id}
        services.append(stage.good("conference", "POST", "/v1/services/type/conferencecall", body))
    joins = [service["push_actions"][-1] for service in services]
    assert joins[0]["option"] == joins[1]["option"]
    stage.act("confbridge_join", call_id=CALL, **joins[0]["option"])
    stage.act("confbridge_join", call_id=other, **joins[1]["option"])
    stage.advance(5)
    left = [body["data"]["id"] for _, body in stage.outside.events if body["type"] == "conferencecall_leaved"]
    assert left == [service["id"] for service in services]


def test_a_conference_may_have_a_flow_before_it(stage: Stage) -> None:
    stage.world.table("pre_flows")[QUEUE] = CUSTOMER
    service = stage.good("conference", "POST", "/v1/services/type/conferencecall", {"conference_id": QUEUE})
    assert [one["type"] for one in service["push_actions"]] == ["fetch_flow", "confbridge_join"]


SIMPLE = [
    ("message", "/v1/messages", {"text": "hi", "destinations": [{"target": "+1"}]}, "message_created"),
    ("message", "/v1/messages", {"destinations": None}, "message_created"),
    ("email", "/v1/emails", {"subject": "s", "destinations": None}, "email_created"),
    ("conversation", "/v1/messages", {"conversation_id": CALL, "text": "x"}, "conversation_message_created"),
    ("direct", "/v1/directs", {"resource_type": "flow", "resource_id": FLOW}, "direct_created"),
    ("transcribe", "/v1/transcribes", {"reference_type": "call", "reference_id": CALL}, "transcribe_created"),
]


@pytest.mark.parametrize(("manager", "uri", "data", "event"), SIMPLE)
def test_a_thing_is_made_announced_and_answered(
    stage: Stage, manager: str, uri: str, data: dict[str, Any], event: str
) -> None:
    made = stage.good(manager, "POST", uri, data)
    assert stage.last(event)["data"]["id"] == made["id"]


def test_a_webhook_is_delivered_nowhere_and_answered_as_told(stage: Stage) -> None:
    assert stage.good("webhook", "POST", "/v1/webhooks", {"data": {}}) is None
    told = stage.good("webhook", "POST", "/v1/webhook_destinations", {"uri": "https://x", "method": "POST"})
    assert told == {"status_code": 200, "response": "ok"}
    stage.world.table("webhook_answers")["https://x"] = {"status_code": 500, "response": "no"}
    assert stage.good("webhook", "POST", "/v1/webhook_destinations", {"uri": "https://x"})["status_code"] == 500


def test_a_direct_changes_its_hash_and_goes(stage: Stage) -> None:
    made = stage.good("direct", "POST", "/v1/directs", {"customer_id": CUSTOMER})
    before = made["hash"]
    changed = stage.good("direct", "POST", f"/v1/directs/{made['id']}/regenerate")
    assert changed["id"] == made["id"]
    assert changed["hash"] != before
    stage.good("direct", "DELETE", f"/v1/directs/{made['id']}")
    reply = stage.ask("direct", "DELETE", f"/v1/directs/{made['id']}")
    assert (reply["status_code"], reply["data"]["reason"]) == (404, "DIRECT_NOT_FOUND")


def test_a_conversation_is_there_when_it_is_asked_for(stage: Stage) -> None:
    assert stage.good("conversation", "GET", f"/v1/conversations/{CALL}")["id"] == CALL


def test_a_recording_is_transcribed_by_itself_a_call_until_it_is_stopped(stage: Stage) -> None:
    stage.good("transcribe", "POST", "/v1/transcribes", {"reference_type": "recording"})
    live = stage.good("transcribe", "POST", "/v1/transcribes", {"reference_type": "call", "activeflow_id": FLOW})
    stage.advance(5)
    assert stage.names().count("transcribe_done") == 1
    for _ in range(2):
        stage.good("transcribe", "POST", f"/v1/transcribes/{live['id']}/stop")
    assert stage.names().count("transcribe_done") == 2
    assert stage.ask("transcribe", "POST", f"/v1/transcribes/{NIL}/stop")["status_code"] == 404


def test_a_case_takes_notes(stage: Stage) -> None:
    case = stage.good("contact", "POST", "/v1/cases", {"name": "n"})
    note = stage.good("contact", "POST", f"/v1/cases/{case['id']}/notes", {"text": "t"})
    assert note["text"] == "t"
    assert stage.ask("contact", "POST", f"/v1/cases/{NIL}/notes", {})["status_code"] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "hangup"), ("POST", "mute"), ("DELETE", "hold"), ("POST", "talk"), ("POST", "external-media")],
)
def test_media_requests_are_accepted_for_a_live_call(stage: Stage, method: str, path: str) -> None:
    stage.good("call", method, f"/v1/calls/{CALL}/{path}")


# --- every stub ---


@pytest.mark.parametrize("manager", sorted(Stage().world.stubs))
@pytest.mark.parametrize(
    ("method", "uri"), [("GET", "/v1/nothing"), ("PATCH", "/v1/calls"), ("", ""), ("GET", "/v1/calls/a/b/c")]
)
def test_what_a_stub_does_not_know_is_not_found(stage: Stage, manager: str, method: str, uri: str) -> None:
    reply = stage.ask(manager, method, uri)
    assert (reply["status_code"], reply["data_type"], reply["data"]["domain"]) == (
        404,
        "voipbin_error",
        f"{manager}-manager",
    )


@pytest.mark.parametrize("data", [None, [], "x", 5, {"destinations": "x"}, {"queue_id": 5}, {"rules": 5}])
def test_no_data_makes_a_stub_fail(stage: Stage, data: object) -> None:
    for stub in stage.world.stubs.values():
        for route in stub.routes:
            reply = stage.ask(stub.name, route.method, route.uri.replace("<id>", CALL), data)
            assert reply["status_code"] in (200, 400, 404, 409)
    stage.advance(100)


def test_a_query_does_not_belong_to_the_path(stage: Stage) -> None:
    assert stage.good("call", "GET", f"/v1/calls/{CALL}?x=1")["id"] == CALL


def test_all_managers_that_flow_manager_asks_are_there(stage: Stage) -> None:
    names = "ai call conference contact conversation direct email message queue transcribe webhook"
    assert " ".join(sorted(stage.world.stubs)) == names


def test_requests_events_and_questions_are_recorded_and_told(stage: Stage) -> None:
    told: list[Exchange | Sent | Asked] = []
    stage.world.observers.append(told.append)
    join_queue(stage, QueuePlan(wait_flow_id=QUEUE))
    (seen,) = stage.world.requests("queue", uri="/v1/services/*")
    assert (seen.method, seen.request_id, seen.data["queue_id"]) == ("POST", "r1", QUEUE)
    assert [type(one) for one in told] == [Sent, Asked, Sent, Exchange]
    assert [one.status_code for one in told if isinstance(one, Exchange)] == [200]
    assert [sent.body for sent in stage.world.sent] == [body for _, body in stage.outside.events]
    assert stage.world.requests("call") == []


# --- faults ---


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("queue POST /v1/x fail=503", Rule("queue", "POST", "/v1/x", Fault(status_code=503))),
        (
            "queue-manager post /v1/x fail=404:GONE",
            Rule("queue", "POST", "/v1/x", Fault(status_code=404, reason="GONE")),
        ),
        ("* * /v1/calls/<id>/actions delay=0.5 times=2", Rule("*", "*", "/v1/calls/*/actions", Fault(delay=0.5), 2)),
        ("ai * * silent", Rule("ai", "*", "*", Fault(silent=True))),
        ("ai * * lost", Rule("ai", "*", "*", Fault(lost=True))),
        ("ai * * nonsense", Rule("ai", "*", "*", Fault(nonsense="text"))),
        ("ai * * nonsense=list delay=1", Rule("ai", "*", "*", Fault(nonsense="list", delay=1))),
    ],
)
def test_rules_are_read(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "queue",
        "queue POST /x",
        "* * * fail",
        "* * * fail=x",
        "* * * delay=x",
        "* * * boom",
        "* * * times=x",
        "* * * nonsense=x",
    ],
)
def test_rules_that_cannot_be_read_are_refused(stage: Stage, text: str) -> None:
    with pytest.raises(InvalidSetting):
        stage.world.add_rules([text])


def send(stage: Stage) -> Any:
    return stage.ask("message", "POST", "/v1/messages", {"text": "x"})


def test_a_rule_holds_for_its_times_then_the_next_one(stage: Stage) -> None:
    stage.world.add_rules(["message * * fail=503 times=2", "message * * fail=404:MESSAGE_NOT_FOUND times=1"])
    assert [send(stage)["status_code"] for _ in range(4)] == [503, 503, 404, 200]


def test_a_rule_is_for_its_requests_only(stage: Stage) -> None:
    stage.world.add_rules(["email * * fail=503", "message GET * fail=503", "message POST /v1/other fail=503"])
    assert send(stage)["status_code"] == 200


def test_a_failure_has_a_typed_body_unless_it_shall_not(stage: Stage) -> None:
    stage.world.rule("message * * fail=404:MESSAGE_NOT_FOUND times=1")
    assert send(stage)["data"] == {
        "status": "NOT_FOUND",
        "reason": "MESSAGE_NOT_FOUND",
        "domain": "message-manager",
        "message": "a rule says so",
    }
    stage.world.rule("message * * fail=503:")
    assert send(stage) == {"status_code": 503, "data_type": ""}


@pytest.mark.parametrize(
    ("fault", "made"), [("silent", 0), ("lost", 1), ("fail=500", 0), ("nonsense", 0), ("delay=0", 1)]
)
def test_a_fault_says_whether_the_work_is_done(stage: Stage, fault: str, made: int) -> None:
    stage.world.rule(f"message * * {fault}")
    reply = send(stage)
    assert len(stage.world.table("messages")) == made
    assert (reply is None) == (fault in ("silent", "lost"))
    assert len(stage.world.seen) == 1


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_told_as_it_is(stage: Stage, kind: str) -> None:
    stage.world.rule(f"message * * nonsense={kind}")
    assert send(stage) == NONSENSE[kind]


def test_a_delayed_answer_comes_late_but_not_after_the_end(stage: Stage) -> None:
    stage.world.rule("message * * delay=0.05")
    begun = monotonic()
    send(stage)
    assert monotonic() - begun >= 0.05
    stage.world.rules.clear()
    stage.world.rule("message * * delay=60")
    stage.world.stop()
    assert send(stage)["status_code"] == 200


# --- direction at run time ---


def test_rules_can_be_changed_by_requests_which_no_rule_hits(stage: Stage) -> None:
    stage.good("ai", "POST", "/v1/stub/rules", {"rules": ["* * * fail=503"]})
    assert send(stage)["status_code"] == 503
    stage.good("call", "DELETE", "/v1/stub/rules")
    assert send(stage)["status_code"] == 200
    assert [one["uri"] for one in stage.good("ai", "GET", "/v1/stub/seen", {"skip": 1})] == ["/v1/messages"]
    assert stage.good("ai", "GET", "/v1/stub/seen", {"limit": 1})[0]["request_id"] == "r1"


def test_rules_are_added_all_or_none(stage: Stage) -> None:
    reply = stage.ask("ai", "POST", "/v1/stub/rules", {"rules": ["* * * fail=503", "rubbish"]})
    assert (reply["status_code"], reply["data"]["reason"]) == (400, "INVALID_SETTING")
    assert send(stage)["status_code"] == 200


def test_scripts_can_be_given_by_requests(stage: Stage) -> None:
    stage.good("call", "POST", "/v1/stub/digits", {"digits": "9"})
    stage.good("call", "POST", "/v1/stub/answers", {"target": "+1", "outcome": "noanswer"})
    stage.good("queue", "POST", "/v1/stub/queues", {"queue_id": QUEUE, "wait_flow_id": CUSTOMER, "agent_after": 7})
    stage.act("digits_receive")
    stage.good("call", "POST", "/v1/calls", outgoing("+1"))
    assert join_queue(stage)["push_actions"][0]["option"] == {"flow_id": CUSTOMER}
    stage.advance(1)
    assert {"dtmf_received", "call_hangup"} <= set(stage.names())
    stage.good("call", "POST", "/v1/stub/hangup", {"call_id": CALL, "reason": "failed"})
    assert stage.last("call_hangup")["data"]["hangup_reason"] == "failed"


# --- time and the way out ---


def test_an_event_the_broker_does_not_take_is_sent_again(stage: Stage) -> None:
    stage.outside.lost = 2
    stage.act("answer")
    assert stage.names() == []
    stage.advance(5)
    assert stage.names() == ["call_progressing"]


@pytest.mark.parametrize("error", [PeerError("flow", 503), PeerTimeout("flow", 3), BrokerLost()])
def test_a_flow_manager_that_is_away_does_not_stop_a_stub(stage: Stage, error: FlowManagerError) -> None:
    stage.outside.error = error
    join_queue(stage)
    start_ai(stage, reference_type="call")
    stage.good("call", "POST", "/v1/calls", outgoing("+1"))
    stage.advance(100)
    assert {one.error for one in stage.world.asked} == {error.reason}


def test_work_is_done_in_order_and_a_failure_stops_nothing() -> None:
    done: list[int] = []
    times = Timetable(clock=lambda: 0.0)

    def fail() -> None:
        raise BrokerLost

    for work in (lambda: done.append(1), fail, lambda: done.append(2)):
        times.after(0, work)
    times.run_due()
    assert done == [1, 2]


def test_time_passes_by_itself_until_the_end() -> None:
    done = Event()
    times = Timetable(speed=1000)
    times.start()
    times.after(3600, lambda: None)
    times.after(10, done.set)
    assert done.wait(5)
    times.stop()
    times.after(0, done.clear)
    times.run_due()
    assert done.is_set()


def test_rules_are_used_up_exactly_when_many_ask_at_once(stage: Stage) -> None:
    stage.world.rule("message * * silent times=50")
    silences: list[object] = []

    def ask_often() -> None:
        silences.extend(reply for reply in (send(stage) for _ in range(25)) if reply is None)

    run_together(ask_often, 4)
    assert len(silences) == 50


def run_together(work: Callable[[], None], count: int) -> None:
    threads = [Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
