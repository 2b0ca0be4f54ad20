"""What is written on messages."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from flowmanager.errors import PeerError, PeerGarbled
from flowmanager.ports import Ask, Message, MessageKind
from flowmanager.transport.envelope import (
    Delivery,
    dead_letter,
    message_letter,
    parse_answer,
    read_answer,
    read_delivery,
    reply_letter,
    request_body,
    request_letter,
)
from flowmanager.transport.names import REDELIVERED, Names


def asked(**changes: Any) -> Ask:
    return Ask(**{"peer": "call", "method": "POST", "uri": "/v1/calls", **changes})


@pytest.mark.parametrize(
    ("ask", "rest"),
    [
        (asked(), {"data_type": ""}),
        (asked(json=True), {"data_type": "application/json"}),
        (asked(body={"a": 1}), {"data_type": "application/json", "data": {"a": 1}}),
        (asked(body={}), {"data_type": "application/json", "data": {}}),
        (asked(key="k-1"), {"data_type": "", "request_id": "k-1"}),
    ],
)
def test_request_has_only_the_keys_it_needs(ask: Ask, rest: dict[str, Any]) -> None:
    fixed = {"uri": "/v1/calls", "method": "POST", "publisher": "flow-manager"}
    assert orjson.loads(request_body(ask)) == fixed | rest


def test_request_names_its_publisher() -> None:
    assert orjson.loads(request_body(asked(), publisher="cli"))["publisher"] == "cli"


def test_request_goes_to_the_peers_queue_with_its_key() -> None:
    letter = request_letter(asked(key="k-1"))
    assert (letter.exchange, letter.routing_key) == ("", "bin-manager.call-manager.request")
    assert letter.properties == {"message_id": "k-1"}
    assert letter.mandatory


def test_request_without_key_has_no_message_id() -> None:
    assert request_letter(asked()).properties == {}


def test_event_is_persistent_and_goes_to_our_exchange() -> None:
    letter = message_letter(Message(id="m-1", kind=MessageKind.EVENT, activeflow_id="a", body=b"{}"))
    assert (letter.exchange, letter.routing_key) == ("bin-manager.flow-manager.event", "")
    assert letter.properties == {"message_id": "m-1", "delivery_mode": 2}


def test_unanswered_request_goes_to_the_peers_queue() -> None:
    letter = message_letter(
        Message(id="m-1", kind=MessageKind.REQUEST, activeflow_id="a", body=b"{}", target="webhook"), names=Names("x")
    )
    assert (letter.exchange, letter.routing_key) == ("", "x.webhook-manager.request")
    assert "reply_to" not in letter.properties


@pytest.mark.parametrize(("correlation_id", "properties"), [("c", {"correlation_id": "c"}), ("", {})])
def test_reply_copies_the_correlation_id(correlation_id: str, properties: dict[str, str]) -> None:
    letter = reply_letter(Delivery(queue="q", body=b"", reply_to="r", correlation_id=correlation_id), b"answer")
    assert (letter.exchange, letter.routing_key, letter.body) == ("", "r", b"answer")
    assert letter.properties == properties


def test_dead_letter_says_why_and_keeps_what_is_known() -> None:
    letter = dead_letter(Delivery(queue="q", body=b"x", message_id="m"), "no idea", most=1)
    assert datetime.fromisoformat(letter.headers["x-time"]).tzinfo is UTC
    assert letter.headers == {"x-reason": "no idea", "x-queue": "q", "x-time": letter.headers["x-time"]}
    assert letter.properties == {"delivery_mode": 2, "message_id": "m"}
    assert (letter.body, letter.routing_key) == (b"x", "bin-manager.flow-manager.dead")


def test_of_a_long_body_the_beginning_is_kept_and_its_size() -> None:
    letter = dead_letter(Delivery(queue="q", body=b"12345"), "no idea", most=2)
    assert (letter.body, letter.headers["x-cut"]) == (b"12", "5")


def received(**changes: Any) -> Any:
    fields: dict[str, Any] = {"body": b"{}", "properties": {}, "headers": None, "delivery_info": {}, "delivery_tag": 7}
    return SimpleNamespace(**{**fields, **changes})


def test_bare_message_is_read_as_a_delivery() -> None:
    assert read_delivery(received(), "q") == Delivery(queue="q", body=b"{}", tag=7)


@pytest.mark.parametrize(("body", "read"), [("ä", "ä".encode()), (b"\xff", b"\xff"), (None, b""), ("", b"")])
def test_body_is_bytes_whatever_the_library_made_of_it(body: Any, read: bytes) -> None:
    assert read_delivery(received(body=body), "q").body == read


@pytest.mark.parametrize("marked", [{"delivery_info": {"redelivered": True}}, {"headers": {REDELIVERED: True}}])
def test_redelivery_is_told_by_flag_or_header(marked: dict[str, Any]) -> None:
    assert read_delivery(received(**marked), "q").redelivered


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        (b'{"status_code":200,"data_type":"application/json","data":{"id":1}}', {"id": 1}),
        (b'{"status_code":200}', None),
        (b'{"status_code":299,"data":[]}', []),
        (b'{"status_code":200,"data":null}', None),
    ],
)
def test_good_answer_gives_its_data(answer: bytes, data: Any) -> None:
    assert read_answer("call", answer) == data


@pytest.mark.parametrize(
    ("answer", "status_code", "typed"),
    [
        (b'{"status_code":300}', 300, None),
        (b'{"status_code":404,"data_type":"application/json","data":{"a":1}}', 404, None),
        (b'{"status_code":404,"data_type":"voipbin_error","data":{"reason":"X"}}', 404, {"reason": "X"}),
        (b'{"status_code":500,"data_type":"voipbin_error","data":"broken"}', 500, None),
        (b'{"status_code":500,"data_type":"voipbin_error"}', 500, None),
    ],
)
def test_refusal_is_a_peer_error(answer: bytes, status_code: int, typed: Any) -> None:
    with pytest.raises(PeerError) as caught:
        read_answer("call", answer)
    assert (caught.value.peer, caught.value.peer_status_code, caught.value.typed) == ("call", status_code, typed)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'"' + b"x" * 17_000_000 + b'"', "larger than"),
        (b"[" * 70 + b"]" * 70, "nested too deep"),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        (b"NaN", "not JSON"),
        (b"Infinity", "not JSON"),
        (b'"\\ud800"', "not JSON"),
    ],
)
def test_answer_of_a_peer_that_lies_is_garbled(data: bytes, why: str) -> None:
    with pytest.raises(PeerGarbled, match=why):
        read_answer("call", b'{"status_code":200,"data":%b}' % data)


def test_number_without_end_is_read_as_far_as_numbers_go() -> None:
    assert read_answer("call", b'{"status_code":200,"data":%b}' % (b"9" * 300)) == 1e300


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense", b"\xff", b"[]", b"{}", b'{"status_code":"200"}', b'{"status_code":true}', b"null"]
)
def test_unreadable_answer_is_garbled(answer: bytes) -> None:
    with pytest.raises(PeerGarbled):
        parse_answer("call", answer)
