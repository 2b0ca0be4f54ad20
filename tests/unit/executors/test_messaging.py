"""Actions that send messages, e-mails and webhooks, and open cases."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.ids import NIL
from flowmanager.core.outcomes import Continue
from flowmanager.errors import InvalidRequest, PeerTimeout
from flowmanager.executors.case_create import case_create
from flowmanager.executors.conversation_send import conversation_send
from flowmanager.executors.email_send import email_send
from flowmanager.executors.message_send import message_send
from flowmanager.executors.webhook_send import webhook_send
from tests.unit.executors.steps import CALL, CUSTOMER, FIRST, FLOW, SECOND, Peers, ask

TEL = {"type": "tel", "target": "+4930"}
CASE = "3f60b8d2-c7e1-49a5-95d0-8e2c1f7a4b96"


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        ({}, {"source": None, "destinations": None, "text": ""}),
        (
            {"source": {}, "destinations": [], "text": "hi"},
            {"source": {}, "destinations": [], "text": "hi"},
        ),
        (
            {"source": TEL, "destinations": [{**TEL, "name": "", "other": 1}, None], "text": "${x}"},
            {"source": TEL, "destinations": [TEL, {}], "text": "value"},
        ),
    ],
)
def test_message_send(option: dict[str, Any], sent: dict[str, Any]) -> None:
    """Absent parts are null, empty and unknown parts of addresses are left out."""
    peers = Peers({"message POST /v1/messages": {"id": FIRST}})
    assert ask(message_send, option, peers, variables={"x": "value"}) == Continue()
    assert peers.bodies == [{"id": NIL, "customer_id": CUSTOMER, **sent}]


@pytest.mark.parametrize(
    ("option", "sent"),
    [
        ({}, {"destinations": None, "subject": "", "content": "", "attachments": None}),
        (
            {
                "subject": "s",
                "content": "c",
                "attachments": [{"reference_type": "recording", "reference_id": FIRST}, {}],
            },
            {
                "destinations": None,
                "subject": "s",
                "content": "c",
                "attachments": [
                    {"reference_type": "recording", "reference_id": FIRST},
                    {"reference_type": "", "reference_id": NIL},
                ],
            },
        ),
    ],
)
def test_email_send(option: dict[str, Any], sent: dict[str, Any]) -> None:
    """Absent lists are null."""
    peers = Peers({"email POST /v1/emails": {"id": FIRST}})
    assert ask(email_send, option, peers) == Continue()
    assert peers.bodies == [{"customer_id": CUSTOMER, "activeflow_id": FLOW, **sent}]


@pytest.mark.parametrize(("text", "sent"), [("hi", {"text": "hi"}), ("", {})])
@pytest.mark.parametrize("sync", [True, False])
def test_conversation_send(text: str, sent: dict[str, str], sync: bool) -> None:
    """It is waited for in any case, for up to half a minute."""
    peers = Peers({"conversation POST /v1/messages": {"id": FIRST}})
    option = {"conversation_id": SECOND, "text": text, "sync": sync}
    assert ask(conversation_send, option, peers) == Continue()
    assert peers.bodies == [{"conversation_id": SECOND, **sent}]
    assert peers.rpc.asks[0].seconds == 30


WEBHOOK = {"uri": "https://example.com", "method": "POST", "data_type": "application/json", "data": '{"a": ${n}}'}
HOOK_LINE = "webhook POST /v1/webhook_destinations"


def test_webhook_send_embeds_the_json() -> None:
    """Without `sync` whatever is answered is not kept."""
    peers = Peers({HOOK_LINE: {"response": "ok", "status_code": 200}})
    assert ask(webhook_send, WEBHOOK, peers, variables={"n": "[1, null]"}) == Continue()
    assert peers.bodies == [{**WEBHOOK, "customer_id": CUSTOMER, "data": {"a": [1, None]}}]


@pytest.mark.parametrize("data", ["", "hello", "{'a': 1}", "{", "NaN"])
def test_webhook_send_needs_json(data: str) -> None:
    """Nothing is sent then; the failure says what is wrong."""
    peers = Peers({HOOK_LINE: None})
    with pytest.raises(InvalidRequest, match=r"option\.data: Not JSON"):
        ask(webhook_send, {**WEBHOOK, "data": data}, peers)
    assert peers.rpc.asks == []


def test_webhook_send_does_not_reach_inside() -> None:
    """Not by the hand of webhook-manager either."""
    peers = Peers({HOOK_LINE: None})
    with pytest.raises(InvalidRequest, match="not public"):
        ask(webhook_send, {**WEBHOOK, "data": "1", "uri": "http://169.254.169.254/latest"}, peers)
    assert peers.rpc.asks == []


def test_webhook_send_refuses_json_that_is_nested_too_deep() -> None:
    """It could not be written again."""
    with pytest.raises(InvalidRequest, match="Nested too deep"):
        ask(webhook_send, {**WEBHOOK, "data": "[" * 200 + "]" * 200}, Peers({HOOK_LINE: None}))


@pytest.mark.parametrize(
    ("answer", "response", "status_code"),
    [
        ({"response": "ok", "status_code": 201}, "ok", "201"),
        ({"body": "ok"}, "ok", "200"),
        ({"response": {"a": 1}, "status_code": "404"}, '{"a":1}', "404"),
        ({"response": None, "body": "", "status_code": None}, "", "200"),
        ({"id": "x"}, '{"id":"x"}', "200"),
    ],
)
def test_a_synchronous_webhook_keeps_the_response(answer: Any, response: str, status_code: str) -> None:
    """As variables."""
    outcome = ask(webhook_send, {**WEBHOOK, "data": "1", "sync": True}, Peers({HOOK_LINE: answer}))
    assert outcome == Continue({"voipbin.webhook.response": response, "voipbin.webhook.status_code": status_code})


@pytest.mark.parametrize("answer", [None, [], "accepted"])
def test_a_synchronous_webhook_without_response_keeps_nothing(answer: Any) -> None:
    """webhook-manager only said that it will deliver."""
    outcome = ask(webhook_send, {**WEBHOOK, "data": "1", "sync": True}, Peers({HOOK_LINE: answer}))
    assert outcome == Continue({})


CALL_LINE = f"call GET /v1/calls/{CALL}"
CONVERSATION_LINE = f"conversation GET /v1/conversations/{CALL}"
OURS, THEIRS = {"type": "tel", "target": "+1"}, {"type": "tel", "target": " +49 (30) 12"}
PEER = {"type": "tel", "target": "+493012"}


@pytest.mark.parametrize(
    ("direction", "source", "destination"),
    [("incoming", THEIRS, OURS), ("outgoing", OURS, THEIRS)],
)
def test_a_case_is_opened_for_the_other_end_of_a_call(direction: str, source: Any, destination: Any) -> None:
    """Its id is kept; the note is added in the system's name."""
    shown = {"direction": direction, "source": source, "destination": destination}
    peers = Peers({CALL_LINE: shown, "contact POST /v1/cases": {"id": CASE}, "contact POST *": None})
    assert ask(case_create, {"name": "n", "note": "careful"}, peers) == Continue({"contact_case_id": CASE})
    assert peers.bodies[1:] == [
        {
            "customer_id": CUSTOMER,
            "self": OURS,
            "peer": PEER,
            "reference_type": "call",
            "reference_id": CALL,
            "name": "n",
        },
        {"customer_id": CUSTOMER, "author_type": "system", "text": "careful"},
    ]
    assert peers.rpc.lines[2] == f"contact POST /v1/cases/{CASE}/notes"


def test_a_case_is_opened_for_the_person_of_a_conversation() -> None:
    """Without a note none is added."""
    mail = {"type": "email", "target": " Jane@Example.COM "}
    peers = Peers({CONVERSATION_LINE: {"self": None, "peer": mail}, "contact POST /v1/cases": {"id": CASE}})
    outcome = ask(case_create, None, peers, reference_type=ReferenceType.CONVERSATION)
    assert outcome == Continue({"contact_case_id": CASE})
    assert peers.bodies[1:] == [
        {
            "customer_id": CUSTOMER,
            "self": {},
            "peer": {"type": "email", "target": "jane@example.com"},
            "reference_type": "conversation_message",
            "reference_id": CALL,
        }
    ]


@pytest.mark.parametrize(
    ("peer", "target"),
    [
        ({"type": "whatsapp", "target": "0049-30"}, "004930"),
        ({"type": "tel", "target": "anonymous"}, "anonymous"),
        ({"type": "line", "target": " U1 "}, " U1 "),
        ({"type": "line"}, None),
    ],
)
def test_the_one_form_of_an_address(peer: dict[str, str], target: str | None) -> None:
    """A number is a plus and digits; what has no digits stays, and so do other types."""
    peers = Peers({CONVERSATION_LINE: {"peer": peer}, "contact *": {"id": CASE}})
    ask(case_create, None, peers, reference_type=ReferenceType.CONVERSATION)
    assert peers.bodies[1]["peer"].get("target") == target


@pytest.mark.parametrize("kind", ["", "agent", "ai", "ai_team", "conference", "extension", "sip"])
def test_no_case_is_opened_for_what_is_no_person(kind: str) -> None:
    """Colleagues and machines."""
    peers = Peers({CALL_LINE: {"direction": "incoming", "source": {"type": kind, "target": "x"}, "destination": OURS}})
    assert ask(case_create, None, peers) == Continue()
    assert len(peers.rpc.asks) == 1


def test_nothing_is_asked_when_there_is_nobody() -> None:
    """The flow goes on."""
    peers = Peers()
    assert ask(case_create, None, peers, reference_type=ReferenceType.API) == Continue()
    assert peers.rpc.asks == []


def test_a_case_is_opened_once() -> None:
    """The variable tells."""
    peers = Peers({CALL_LINE: {"direction": "incoming", "source": THEIRS, "destination": OURS}})
    assert ask(case_create, None, peers, variables={"contact_case_id": CASE}) == Continue()
    assert len(peers.rpc.asks) == 1


def test_a_call_without_direction_has_no_other_end() -> None:
    """So no case is opened."""
    assert ask(case_create, None, Peers({CALL_LINE: {"source": THEIRS}})) == Continue()


def test_a_case_counts_without_its_note() -> None:
    """The failure is logged."""
    shown = {"direction": "incoming", "source": THEIRS, "destination": OURS}
    answers = {CALL_LINE: shown, "contact POST /v1/cases": {"id": CASE}, "contact *": PeerTimeout("contact", 3)}
    with capture_logs() as logs:
        assert ask(case_create, {"note": "x"}, Peers(answers)) == Continue({"contact_case_id": CASE})
    assert [line["event"] for line in logs] == ["case_note_failed"]
