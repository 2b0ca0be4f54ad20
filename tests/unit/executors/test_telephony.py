"""Actions that make calls, bridge them, ask about them and transcribe them."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.core.action import Action
from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.ids import NIL
from flowmanager.core.outcomes import Continue, Jump, Outcome, Push
from flowmanager.errors import InvalidRequest, PeerError, PeerGarbled
from flowmanager.executor import Executor
from flowmanager.executors.call import call
from flowmanager.executors.condition_call_digits import condition_call_digits
from flowmanager.executors.condition_call_status import condition_call_status
from flowmanager.executors.connect import connect
from flowmanager.executors.mute import mute
from flowmanager.executors.transcribe_recording import transcribe_recording
from flowmanager.executors.transcribe_start import transcribe_start
from flowmanager.executors.transcribe_stop import transcribe_stop
from tests.unit.executors.steps import CALL, CUSTOMER, FIRST, FLOW, SECOND, STEP, Peers, ask

BRIDGE = "e27c4b90-a6d8-4135-9f0b-1c5d83e7f6a4"
LEG = "6be0f5a3-2c9d-4a18-b7d4-08f3e1c6a952"
GROUP = "70e5c9a4-2d1b-4f86-8b3e-d94f60a7c215"
TEL = {"type": "tel", "target": "+4930"}
BRIDGE_LINE, CALLS_LINE = "call POST /v1/confbridges", "call POST /v1/calls"


def peers_with(made: Any) -> Peers:
    """Return peers where calls can be made."""
    return Peers({BRIDGE_LINE: {"id": BRIDGE}, CALLS_LINE: made})


def test_connect_makes_a_bridge_a_flow_for_the_legs_and_the_calls_in_this_order() -> None:
    """Then the call itself joins the bridge."""
    peers = peers_with({"calls": [{"id": LEG}]})
    outcome = ask(connect, {"source": {"type": "tel", "target": "+49", "name": ""}, "destinations": [TEL]}, peers)
    assert peers.rpc.lines == [BRIDGE_LINE, CALLS_LINE]
    (flow,) = peers.shelf.flows.values()
    assert peers.bodies == [
        {
            "customer_id": CUSTOMER,
            "activeflow_id": FLOW,
            "reference_type": "call",
            "reference_id": CALL,
            "type": "connect",
        },
        {
            "customer_id": CUSTOMER,
            "flow_id": flow.id,
            "master_call_id": CALL,
            "source": {"type": "tel", "target": "+49"},
            "destinations": [TEL],
            "connect": True,
        },
    ]
    assert [(action.type, action.option) for action in flow.actions] == [
        ("confbridge_join", {"confbridge_id": BRIDGE}),
        ("hangup", None),
    ]
    assert (flow.customer_id, flow.type, flow.name, flow.persist) == (CUSTOMER, "flow", "tmp", False)
    assert isinstance(outcome, Push)
    assert outcome.stack_id == STEP
    assert [(action.type, action.option) for action in outcome.actions] == [
        ("confbridge_join", {"confbridge_id": BRIDGE})
    ]


@pytest.mark.parametrize(
    ("option", "flags"),
    [
        ({"early_media": True}, {"early_execution": True}),
        ({"destinations": [TEL, TEL]}, {}),
        ({"anonymous": "yes"}, {"connect": True, "anonymous": "yes"}),
        ({"source": None}, {"connect": True}),
    ],
)
def test_the_flags_of_connect(option: dict[str, Any], flags: dict[str, Any]) -> None:
    """A single leg without early media wakes the call when it fails; without a source an empty one is sent."""
    peers = peers_with({"calls": [{"id": LEG}]})
    ask(connect, {"destinations": [TEL], **option}, peers)
    sent = peers.bodies[1]
    assert {key: sent[key] for key in ("early_execution", "connect", "anonymous") if key in sent} == flags
    assert sent["source"] == {}


@pytest.mark.parametrize(
    ("made", "relay", "types"),
    [
        ({"calls": [{"id": LEG}, {"id": FIRST}]}, True, ["confbridge_join", "hangup"]),
        ({"calls": [{"id": LEG}]}, False, ["confbridge_join"]),
        ({"calls": [{"id": LEG}], "groupcalls": [{"id": GROUP}]}, True, ["confbridge_join"]),
        ({"groupcalls": [{"id": GROUP}]}, True, ["confbridge_join"]),
    ],
)
def test_connect_passes_on_the_cause_of_the_first_leg(made: Any, relay: bool, types: list[str]) -> None:
    """When that is wanted and no group was called."""
    outcome = ask(connect, {"destinations": [TEL], "relay_reason": relay}, peers_with(made))
    assert isinstance(outcome, Push)
    assert [action.type for action in outcome.actions] == types
    if "hangup" in types:
        assert outcome.actions[1].option == {"reference_id": LEG}


def test_a_repeated_connect_makes_the_same() -> None:
    """The same flow, the same frame, the same keys."""
    peers, again = peers_with({"calls": [{"id": LEG}]}), peers_with({"calls": [{"id": LEG}]})
    again.shelf = peers.shelf
    option = {"destinations": [TEL], "relay_reason": True}
    assert ask(connect, option, peers) == ask(connect, option, again)
    assert peers.rpc.asks == again.rpc.asks
    assert len(peers.shelf.flows) == 1


@pytest.mark.parametrize("made", [{}, {"calls": [], "groupcalls": None}])
def test_connect_without_any_call_fails(made: Any) -> None:
    """There is nobody to be connected with."""
    with pytest.raises(PeerGarbled, match="no call was made"):
        ask(connect, {"destinations": [TEL]}, peers_with(made))


@pytest.mark.parametrize("option", [{}, {"source": TEL, "destinations": []}])
def test_connect_without_destinations_fails_when_no_call_was_made(option: dict[str, Any]) -> None:
    """What no destination means is for call-manager to say."""
    peers = peers_with({})
    with pytest.raises(PeerGarbled, match="no call was made"):
        ask(connect, option, peers)
    assert [line.split()[2] for line in peers.rpc.lines] == ["/v1/confbridges", "/v1/calls"]
    assert "destinations" not in peers.bodies[1]


@pytest.mark.parametrize("made", [None, {}])
def test_call_needs_no_answer_but_that_all_is_well(made: Any) -> None:
    """It does nothing with the calls."""
    assert ask(call, {"source": TEL, "destinations": [TEL], "flow_id": FIRST}, peers_with(made)) == Continue()


@pytest.mark.parametrize("made", [None, {"calls": {}}, {"calls": [5]}, {"groupcalls": [{"id": "x"}]}])
def test_calls_that_cannot_be_read_are_a_failure(made: Any) -> None:
    """With the peer's name."""
    with pytest.raises(PeerGarbled, match="call-manager"):
        ask(connect, {"destinations": [TEL]}, peers_with(made))


@pytest.mark.parametrize(
    ("executor", "option", "missing"),
    [
        (call, {"destinations": [TEL], "flow_id": FIRST}, "source"),
        (call, {"source": TEL, "flow_id": FIRST}, "destinations"),
    ],
)
def test_what_makes_a_call_impossible_is_a_clear_failure(
    executor: Executor, option: dict[str, Any], missing: str
) -> None:
    """Nothing is made before that is known."""
    peers = peers_with({"calls": [{"id": LEG}]})
    with pytest.raises(InvalidRequest, match=missing):
        ask(executor, option, peers)
    assert peers.rpc.asks == []
    assert peers.shelf.flows == {}


def test_call_starts_a_flow_on_others() -> None:
    """It neither waits nor pushes anything."""
    peers = peers_with({"calls": [{"id": LEG}]})
    option = {"source": {}, "destinations": [TEL], "flow_id": FIRST, "early_execution": True, "anonymous": "auto"}
    assert ask(call, option, peers) == Continue()
    assert peers.bodies == [
        {
            "customer_id": CUSTOMER,
            "flow_id": FIRST,
            "master_call_id": NIL,
            "source": {},
            "destinations": [TEL],
            "early_execution": True,
            "anonymous": "auto",
        }
    ]


@pytest.mark.parametrize(("reference_type", "master"), [("call", CALL), ("api", NIL)])
def test_chained_calls_belong_to_the_call(reference_type: str, master: str) -> None:
    """If there is one."""
    peers = peers_with({})
    option = {"source": TEL, "destinations": [TEL], "flow_id": FIRST, "chained": True}
    ask(call, option, peers, reference_type=ReferenceType(reference_type))
    assert peers.bodies[0]["master_call_id"] == master


def test_nested_actions_become_a_temporary_flow_with_their_own_placeholders() -> None:
    """Ids that are absent or names become uuids, and what refers to them follows."""
    actions = [
        {"id": "again", "type": "talk", "option": {"text": "${own}"}},
        {"type": "goto", "option": {"target_id": "again"}, "next_id": "again"},
        {"id": SECOND, "type": "hangup", "next_id": None},
    ]
    peers = peers_with({})
    option = {"source": TEL, "destinations": [TEL], "actions": actions}
    ask(call, option, peers, variables={"own": "parent"})
    (flow,) = peers.shelf.flows.values()
    first, second, third = flow.actions
    assert peers.bodies[0]["flow_id"] == flow.id
    assert first.option == {"text": "${own}"}
    assert (second.option, second.next_id) == ({"target_id": first.id}, first.id)
    assert third == Action(SECOND, "hangup", None, NIL)
    assert len({first.id, second.id, NIL}) == 3


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ({}, "type"),
        ({"type": ""}, "type"),
        ({"type": "dance"}, "type"),
        ({"type": "empty"}, "type"),
        ({"type": "talk", "option": []}, "option"),
        ({"type": "talk", "option": {"text": 1}}, "option.text"),
        ({"type": "talk", "id": 5}, "id"),
        ({"type": "talk", "id": ""}, "id"),
        ({"type": "talk", "next_id": "nowhere"}, "next_id"),
    ],
)
def test_a_nested_action_that_cannot_be_read_is_a_failure(action: dict[str, Any], path: str) -> None:
    """The error tells which and what."""
    option = {"source": TEL, "destinations": [TEL], "actions": [{"type": "answer"}, action]}
    with pytest.raises(InvalidRequest) as caught:
        ask(call, option, peers_with({}))
    assert caught.value.facts["path"] == f"option.actions[1].{path}"


@pytest.mark.parametrize(
    ("option", "digits", "holds"),
    [
        ({"length": 3}, "123", True),
        ({"length": 3}, "12", False),
        ({"key": "12"}, "0123", True),
        ({"key": "21"}, "0123", False),
        ({}, "123", False),
    ],
)
def test_condition_call_digits(option: dict[str, Any], digits: str, holds: bool) -> None:
    """Enough keys, or certain ones in their order."""
    peers = Peers({f"call GET /v1/calls/{CALL}/digits": {"digits": digits}})
    expected: Outcome = Continue() if holds else Jump(FIRST)
    assert ask(condition_call_digits, {**option, "false_target_id": FIRST}, peers) == expected
    assert (peers.rpc.asks[0].body, peers.rpc.asks[0].json) == (None, True)


@pytest.mark.parametrize(
    ("status", "expected"), [("ringing", Continue()), ("hangup", Jump(FIRST)), (None, Jump(FIRST))]
)
def test_condition_call_status(status: str | None, expected: Outcome) -> None:
    """The call's status must be the one asked for."""
    peers = Peers({f"call GET /v1/calls/{CALL}": {"status": status}})
    assert ask(condition_call_status, {"status": "ringing", "false_target_id": FIRST}, peers) == expected


def test_mute_is_sent_to_call_manager() -> None:
    """For both directions."""
    peers = Peers({f"call POST /v1/calls/{CALL}/mute": None})
    assert ask(mute, None, peers) == Continue()
    assert peers.bodies == [{"direction": ""}]


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        ({}, {"direction": "both"}),
        (
            {"language": "en-US", "direction": "in", "provider": "gcp", "on_end_flow_id": FIRST},
            {"language": "en-US", "direction": "in", "provider": "gcp", "on_end_flow_id": FIRST},
        ),
    ],
)
def test_transcribe_start(option: dict[str, Any], sent: dict[str, Any]) -> None:
    """The call is heard in both directions unless told otherwise."""
    peers = Peers({"transcribe POST /v1/transcribes": {"id": FIRST}})
    assert ask(transcribe_start, option, peers) == Continue()
    common = {"customer_id": CUSTOMER, "activeflow_id": FLOW, "on_end_flow_id": NIL}
    assert peers.bodies == [{**common, "reference_type": "call", "reference_id": CALL, **sent}]
    assert peers.rpc.asks[0].seconds == 30


def test_transcribe_recording_asks_for_each_recording_of_the_call() -> None:
    """Until one fails."""
    answers = {f"call GET /v1/calls/{CALL}": {"recording_ids": [FIRST, SECOND]}}
    peers = Peers({**answers, "transcribe *": {"id": BRIDGE}})
    assert ask(transcribe_recording, None, peers) == Continue()
    asked = [(body["reference_type"], body["reference_id"]) for body in peers.bodies[1:]]
    assert asked == [("recording", FIRST), ("recording", SECOND)]
    failing = Peers({**answers, "transcribe *": PeerError("transcribe", 500)})
    with pytest.raises(PeerError):
        ask(transcribe_recording, None, failing)
    assert len(failing.rpc.asks) == 2


def test_only_calls_have_recordings_to_transcribe() -> None:
    """Nothing is asked for anything else."""
    peers = Peers()
    assert ask(transcribe_recording, None, peers, reference_type=ReferenceType.API) == Continue()
    assert peers.rpc.asks == []


def test_transcribe_stop_stops_the_one_that_was_started_last() -> None:
    """transcribe-manager left its id in a variable."""
    peers = Peers({f"transcribe POST /v1/transcribes/{FIRST}/stop": None})
    assert ask(transcribe_stop, None, peers, variables={"voipbin.transcribe.id": FIRST}) == Continue()
    assert peers.bodies == [None]


def test_transcribe_stop_without_a_transcription_fails() -> None:
    """Nothing is asked."""
    with pytest.raises(InvalidRequest, match="no transcription"):
        ask(transcribe_stop, None, Peers())
