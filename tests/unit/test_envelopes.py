"""Envelopes: what is read, what is refused, what is written."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.errors import FlowNotFound, InvalidEnvelope
from flowmanager.schemas.envelopes import (
    Request,
    decode_object,
    decode_request,
    deeper_than,
    encode_answer,
    encode_error,
    encode_event,
    encode_request,
)

SIZE, DEPTH = 1000, 5


def read(body: bytes) -> Request:
    """Read a request with small limits."""
    return decode_request(body, limit=SIZE, depth=DEPTH)


def nested(levels: int, inner: bytes = b"1") -> bytes:
    """Return an envelope around so many levels of containers, objects and lists in turn."""
    opened = b"".join(b'{"k":' if level % 2 else b"[" for level in range(levels))
    closed = b"".join(b"}" if level % 2 else b"]" for level in reversed(range(levels)))
    return b'{"data":' + opened + inner + closed + b"}"


def test_a_request() -> None:
    """As its sender wrote it."""
    body = b'{"uri":"/v1/flows?","method":"GET","publisher":"api-manager","data":{"a":1},"request_id":"r","more":[]}'
    expected = Request("/v1/flows?", "GET", {"a": 1}, publisher="api-manager", request_id="r", has_data=True)
    assert read(body) == expected


@pytest.mark.parametrize(
    ("body", "data", "has_data"), [(b"{}", None, False), (b'{"data":null}', None, True), (b'{"data":[]}', [], True)]
)
def test_data_may_be_absent_or_null(body: bytes, data: Any, has_data: bool) -> None:
    """Both are known apart."""
    assert (read(body).data, read(body).has_data) == (data, has_data)


@pytest.mark.parametrize("body", [b"{}", b'{"uri":null,"method":null,"publisher":null,"request_id":null}'])
def test_what_is_absent_is_empty(body: bytes) -> None:
    """No route has an empty URI."""
    found = read(body)
    assert (found.uri, found.method, found.publisher, found.request_id) == ("", "", "", "")


@pytest.mark.parametrize("value", [b"1", b"0", b"false", b"true", b"[]", b"{}", b'["GET"]', b"1.5"])
@pytest.mark.parametrize("key", ["uri", "method", "publisher", "request_id"])
def test_texts_must_be_texts(key: str, value: bytes) -> None:
    """The error names the key."""
    with pytest.raises(InvalidEnvelope, match=key) as caught:
        read(b'{"%s":%s}' % (key.encode(), value))
    assert caught.value.facts == {"path": key}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"x",
        b"{",
        b'{"uri":}',
        b"{'uri':1}",
        b"{}x",
        b"{} {}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"uri":"/v1/flows"}',
        b'{"uri":"\xff"}',
        b'{"uri":"\\ud800"}',
        b'{"uri":"\xed\xa0\x80"}',
        b'{"uri":"\x00"}',
        b"\x00",
    ],
    ids=repr,
)
def test_what_is_not_json(body: bytes) -> None:
    """Halves of characters and raw control characters neither."""
    with pytest.raises(InvalidEnvelope, match="not JSON"):
        read(body)


@pytest.mark.parametrize("body", [b"null", b"1", b'"{}"', b"[]", b"[{}]", b"true"])
def test_what_is_no_object(body: bytes) -> None:
    """An envelope has names."""
    with pytest.raises(InvalidEnvelope, match="not a JSON object"):
        read(body)


def test_an_escaped_nul_is_a_character() -> None:
    """It is kept; so is the last of two equal names."""
    assert read(b'{"data":"a\\u0000b"}').data == "a\0b"
    assert read(b'{"uri":"/a","uri":"/b"}').uri == "/b"


@pytest.mark.parametrize(("size", "fits"), [(SIZE, True), (SIZE + 1, False)])
def test_the_largest_message(size: int, fits: bool) -> None:
    """One byte more is refused, before it is read."""
    body = b"{}".ljust(size)
    if fits:
        assert read(body).uri == ""
        return
    with pytest.raises(InvalidEnvelope, match="too large"):
        read(body)


@pytest.mark.parametrize(("levels", "fits"), [(0, True), (DEPTH, True), (DEPTH + 1, False), (90, False)])
@pytest.mark.parametrize("inner", [b"1", b'"x"'])
def test_the_deepest_message(levels: int, fits: bool, inner: bytes) -> None:
    """The levels inside the envelope are counted."""
    if fits:
        assert read(nested(levels, inner)).has_data
        return
    with pytest.raises(InvalidEnvelope, match="too deep"):
        read(nested(levels, inner))


@pytest.mark.parametrize("levels", [1000, 1100, 200_000])
def test_a_thousand_levels_are_refused_like_any_other(levels: int) -> None:
    """They are counted without recursion."""
    with pytest.raises(InvalidEnvelope):
        decode_object(nested(levels), limit=10_000_000, depth=64)


def test_depth_is_that_of_the_deepest_branch() -> None:
    """Wherever it is."""
    tree = {"a": [], "b": {"c": [[1]], "d": 1}, "e": "text"}
    assert [deeper_than(tree, depth) for depth in (0, 1, 2, 3, 4)] == [True, True, True, False, False]


trees = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**63), 2**63 - 1)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=10,
)


@given(some.binary(max_size=50) | trees.map(orjson.dumps))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """There is one error for all of it."""
    try:
        found = read(body)
    except InvalidEnvelope:
        return
    assert isinstance(found.uri, str)
    assert isinstance(found.method, str)


def test_a_bad_envelope_is_the_senders_fault() -> None:
    """It is answered 400."""
    assert InvalidEnvelope("why").status_code == 400


@given(trees)
def test_data_comes_through(data: Any) -> None:
    """As another JSON library understands it."""
    body = encode_request("POST", "/v1/flows", data)
    assert json.loads(body) == {
        "uri": "/v1/flows",
        "method": "POST",
        "publisher": "flow-manager",
        "data_type": "application/json",
        "data": data,
    }
    assert decode_request(body, limit=len(body), depth=100).data == data


@given(trees)
def test_an_answer(data: Any) -> None:
    """With its status; no data: no key."""
    expected = {"status_code": 200, "data_type": "application/json"} | ({} if data is None else {"data": data})
    assert orjson.loads(encode_answer(data)) == expected


def test_an_answer_with_another_status() -> None:
    """It is told."""
    assert orjson.loads(encode_answer(status_code=202)) == {"status_code": 202, "data_type": "application/json"}


def test_an_error() -> None:
    """Typed, with the facts of the case."""
    assert orjson.loads(encode_error(FlowNotFound(flow_id="f"))) == {
        "status_code": 404,
        "data_type": "voipbin_error",
        "data": {
            "status": "NOT_FOUND",
            "reason": "FLOW_NOT_FOUND",
            "domain": "flow-manager",
            "message": "The flow was not found.",
            "details": [{"flow_id": "f"}],
        },
    }


def test_an_event() -> None:
    """Type, sender and data."""
    assert orjson.loads(encode_event("flow_created", {"id": "f"})) == {
        "type": "flow_created",
        "publisher": "flow-manager",
        "data_type": "application/json",
        "data": {"id": "f"},
    }
