"""What a repeat of a message has in common with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.receiver import event_identity, identity, ids_of
from flowmanager.schemas.envelopes import Request
from flowmanager.subscription import decode_event
from flowmanager.transport.envelope import Delivery

ID = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"
REQUEST = Request("/v1/flows", "POST", {"name": "x"}, publisher="api-manager")
DELIVERY = Delivery(queue="queue", body=b'{"uri":"/v1/flows"}', reply_to="answers", correlation_id="1")


@pytest.mark.parametrize(("request_id", "message_id", "name"), [("r", "", "r"), ("", "m", "m"), ("r", "m", "r")])
def test_a_sender_that_names_its_requests_is_believed(request_id: str, message_id: str, name: str) -> None:
    """The name in the envelope first, then that of the message; body and place of the answer do not matter."""
    named = replace(REQUEST, request_id=request_id)
    expected = identity(replace(REQUEST, request_id=name), DELIVERY)
    for delivery in (DELIVERY, replace(DELIVERY, body=b"{}", reply_to="")):
        assert identity(named, replace(delivery, message_id=message_id)) == expected


@pytest.mark.parametrize("change", [{"publisher": "other"}, {"method": "PUT"}, {"uri": "/v1/x"}, {"request_id": "2"}])
def test_senders_that_number_their_requests_do_not_meet(change: dict[str, Any]) -> None:
    """The same number from another sender, or for something else, is another request."""
    numbered = replace(REQUEST, request_id="1")
    assert identity(replace(numbered, **change), DELIVERY) != identity(numbered, DELIVERY)


def test_a_request_that_nobody_waits_for_has_no_repeat() -> None:
    """Nothing tells it from the same request, meant once more."""
    assert identity(REQUEST, replace(DELIVERY, reply_to="")) == ""


@pytest.mark.parametrize("change", [{"reply_to": "other"}, {"correlation_id": "2"}, {"body": b"{}"}], ids=repr)
def test_requests_are_told_apart_by_where_the_answer_is_awaited(change: dict[str, Any]) -> None:
    """The same again is a repeat; one difference, and it is another request."""
    first = identity(REQUEST, DELIVERY)
    assert first.startswith("sha256:")
    assert identity(REQUEST, replace(DELIVERY, redelivered=True, tag=7)) == first
    assert identity(REQUEST, replace(DELIVERY, **change)) != first


words = some.text(alphabet="ab:", max_size=3)


@given(words, words, words, words)
def test_parts_are_not_confused(reply_to: str, correlation_id: str, other: str, another: str) -> None:
    """Where one ends and the next begins is part of it."""
    left = replace(DELIVERY, reply_to=f"q{reply_to}", correlation_id=correlation_id)
    right = replace(DELIVERY, reply_to=f"q{other}", correlation_id=another)
    same = (reply_to, correlation_id) == (other, another)
    assert (identity(REQUEST, left) == identity(REQUEST, right)) is same


def event(message_id: str = "", **data: Any) -> str:
    """Return the identity of an event."""
    body = orjson.dumps({"type": "call_hangup", "publisher": "call-manager", "data": data})
    delivery = Delivery(queue="queue", body=body, message_id=message_id)
    return event_identity(decode_event(body, limit=1000, depth=10), delivery)


def test_an_event_is_known_by_its_message() -> None:
    """Whatever is in it."""
    assert event("m", id=ID) == event("m") == "event:m"


@pytest.mark.parametrize("moment", ["tm_update", "tm_create"])
def test_an_event_with_id_and_time_is_known_by_its_content(moment: str) -> None:
    """The record at that time can only be told once."""
    first = event(id=ID, **{moment: "2026-05-04T09:30:00Z"})
    assert first == event(id=ID, **{moment: "2026-05-04T09:30:00Z"})
    assert first != event(id=ID, **{moment: "2026-05-04T09:30:01Z"})


@pytest.mark.parametrize("data", [{}, {"id": ID}, {"tm_update": "2026-05-04T09:30:00Z"}, {"digit": "1"}], ids=repr)
def test_another_event_has_no_repeat(data: dict[str, Any]) -> None:
    """The same key can be pressed twice."""
    assert event(**data) == ""


def test_what_every_log_line_of_a_request_shows() -> None:
    """Only what there is."""
    assert ids_of(REQUEST, DELIVERY) == {"method": "POST", "uri": "/v1/flows", "publisher": "api-manager"}
    long = Request("/" * 300, "GET", request_id="r")
    assert ids_of(long, DELIVERY) == {"method": "GET", "uri": "/" * 200, "request_id": "r"}
