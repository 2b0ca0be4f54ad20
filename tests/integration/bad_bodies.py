"""Tables of bad input: bodies that are no envelopes, requests without a route, and values that fit no field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

Json = dict[str, Any]
ID = "5c1d7b3e-8f60-4a52-9d1c-6a0b2e4f7a90"


def envelope(method: str, uri: str, data: Any = None, **more: Any) -> bytes:
    """A request as peers write it; None: without data."""
    request = {"uri": uri, "method": method, "publisher": "test", **({} if data is None else {"data": data}), **more}
    return json.dumps(request).encode()


def nested(levels: int) -> bytes:
    """An envelope whose data is nested so deep."""
    return b'{"uri":"/v1/flows","method":"POST","data":%b%b}' % (b"[" * levels, b"]" * levels)


def good_but(old: bytes, new: bytes) -> bytes:
    """A good creation of a flow, one place of it replaced."""
    good = b'{"uri":"/v1/flows","method":"POST","publisher":"p","data":{"name":"n","actions":[]}}'
    assert old in good
    return good.replace(old, new)


NO_ENVELOPES = {
    "empty": b"",
    "one NUL": b"\0",
    "bytes": b"\x80\xff\xfe\x00",
    "text": b"hello",
    "number": b"42",
    "null": b"null",
    "string": b'"/v1/flows"',
    "list": b'[{"uri":"/v1/flows","method":"GET"}]',
    "cut off": b'{"uri":"/v1/flows","method":"POST","data":{',
    "two objects": b'{"uri":"/v1/flows"}{"method":"GET"}',
    "byte order mark": b"\xef\xbb\xbf" + envelope("GET", "/v1/flows"),
    "UTF-16": envelope("GET", "/v1/flows").decode().encode("utf-16"),
    "invalid UTF-8": good_but(b'"n"', b'"\xff"'),
    "encoded surrogate": good_but(b'"n"', b'"\xed\xa0\x80"'),
    "lone surrogate": good_but(b'"n"', rb'"\ud800"'),
    "raw NUL": good_but(b'"n"', b'"a\0b"'),
    "infinite number": good_but(b'"n"', b"1e999"),
    "not a number": good_but(b'"n"', b"NaN"),
    "uri is a number": good_but(b'"/v1/flows"', b"5"),
    "uri is a list": good_but(b'"/v1/flows"', b'["/v1/flows"]'),
    "uri is false": good_but(b'"/v1/flows"', b"false"),
    "method is an object": good_but(b'"POST"', b"{}"),
    "method is true": good_but(b'"POST"', b"true"),
    "publisher is a number": good_but(b'"p"', b"1"),
    "publisher is an empty list": good_but(b'"p"', b"[]"),
    "request_id is a number": good_but(b'"publisher"', b'"request_id":7,"publisher"'),
    "65 levels": nested(65),
    "1000 levels": nested(1000),
    "100 000 levels": nested(100_000),
    "10 MB of spaces": b" " * 10_000_000,
    "10 MB name": good_but(b'"n"', b'"%b"' % (b"n" * 10_000_000)),
}

NO_ROUTES = {
    "no uri": ("GET", ""),
    "root": ("GET", "/"),
    "unknown": ("GET", "/v1/nothing"),
    "older version": ("GET", "/v2/flows"),
    "no leading slash": ("GET", "v1/flows"),
    "trailing slash": ("GET", "/v1/flows/"),
    "whole URL": ("GET", "http://flow-manager/v1/flows"),
    "line end": ("POST", "/v1/flows\n"),
    "NUL": ("POST", "/v1/flows\0"),
    "no method": ("", "/v1/flows"),
    "unknown method": ("BREW", "/v1/flows"),
    "lower-case method": ("post", "/v1/flows"),
    "wrong method": ("PUT", "/v1/activeflows"),
    "no such id form": ("GET", "/v1/flows/1"),
    "upper-case id": ("GET", f"/v1/flows/{ID.upper()}"),
    "id without dashes": ("GET", f"/v1/flows/{ID.replace('-', '')}"),
    "id in braces": ("GET", f"/v1/flows/{{{ID}}}"),
    "id and more": ("POST", f"/v1/activeflows/{ID}/stop/now"),
    "path upwards": ("GET", f"/v1/flows/../activeflows/{ID}"),
    "encoded slash": ("GET", f"/v1%2Fflows/{ID}"),
    "query where none may be": ("POST", f"/v1/activeflows/{ID}/stop?now=1"),
    "SQL": ("GET", "/v1/flows/' OR 1=1 --"),
    "100 000 characters": ("GET", "/v1/" + "x" * 100_000),
    "other digits": ("GET", f"/v1/flows/{ID.replace('5', chr(0xFF15))}"),
}

NO_EVENTS = {
    "no type": b"{}",
    "empty type": b'{"type":"","publisher":"call-manager","data":{}}',
    "type is null": b'{"type":null}',
    "type is a number": b'{"type":5,"event":"hangup"}',
    "type is a list": b'{"type":["call_hangup"],"publisher":"call-manager"}',
    "data is a list": b'{"type":"call_hangup","publisher":"call-manager","data":[{}]}',
    "data is a text": b'{"type":"call","event":"hangup","data":"{}"}',
    "data is a number": b'{"type":"call","event":"hangup","data":5}',
    "data is true": b'{"type":"call","event":"hangup","data":true}',
}
UNKNOWN_EVENTS = {
    "unknown type": b'{"type":"moon_rise","publisher":"call-manager","data":{}}',
    "unknown publisher": b'{"type":"call_hangup","publisher":"moon-manager","data":{}}',
    "publisher is a list": b'{"type":"call_hangup","publisher":["call-manager"],"data":{}}',
    "event is a list": b'{"type":"call","event":["hangup"],"data":{}}',
    "event is an object": b'{"type":"call","event":{},"reference_id":5}',
    "no publisher": b'{"type":"call_hangup"}',
    "100 000 characters": b'{"type":"%b","publisher":"%b"}' % (b"t" * 100_000, b"p" * 100_000),
    "a request": envelope("DELETE", f"/v1/activeflows/{ID}"),
}
EVENT_KEYS = (
    *("id", "customer_id", "activeflow_id", "reference_id", "call_id", "action_id", "confbridge_id", "queuecall_id"),
    *("reference_type", "status", "digit", "digits", "duration", "reason", "hangup_reason", "hangup_by", "channel"),
    *("recording_id", "transcribe_id", "aicall_id", "conferencecall_id", "call_ids", "service_id", "name", "format"),
    *("tm_create", "tm_update", "tm_end", "source", "destination", "transcript", "message", "leaved_call_id", "data"),
)
"""Everything that any event may be asked for."""
ODD_VALUES: tuple[Any, ...] = (None, True, 5, -1, 2**63, 1.5, "", "x", "\0", ID, [], [ID], {}, {"id": ID}, "y" * 70_000)


def odd_events(source: str, name: str) -> Iterator[bytes]:
    """Events of a known kind whose data have the right names and wrong values, in both formats."""
    for data in (None, {}, *(dict.fromkeys(EVENT_KEYS, value) for value in ODD_VALUES)):
        yield json.dumps({"type": name, "publisher": f"{source}-manager", "data": data}).encode()
        yield json.dumps({"type": source, "event": name, **(data or {})}).encode()


NOT_TEXT: tuple[Any, ...] = (5, True, 1.5, [], {}, ["a"])
NOT_FLAG: tuple[Any, ...] = ("yes", "true", 1, 0, [], {})
NOT_ID: tuple[Any, ...] = ("", " ", "x", 5, True, [], {}, ID[:-1], f"{ID}0", f"{{{ID}", ID.replace("5", "g"), f"{ID}\n")
NOT_TEXTS: tuple[Any, ...] = (5, "x", True, [], ["a"], {"a": 5}, {"a": {}}, {"a": ["b"]}, {"a": True})


def talks(key: str, *values: Any) -> list[Any]:
    """Lists of one action, each with another value of a key."""
    return [[{"type": "talk", key: value}] for value in values]


def options(action_type: str, *given: Json) -> list[Any]:
    """Lists of one action, each with another option."""
    return [[{"type": action_type, "option": option}] for option in given]


NOT_ACTIONS: tuple[Any, ...] = (
    *(5, "talk", True, {}, {"type": "talk"}, ["talk"], [5], [None], [[]], [{}]),
    *talks("type", "", None, 5, "dance", "Talk", "talk "),
    *talks("id", 5, "", " ", [], {}, "x" * 300),
    *talks("next_id", 5, "nowhere", [], {}),
    *talks("option", 5, "x", [], True, {"text": 5}),
    *options("goto", {"target_id": "nowhere"}, {"target_id": 5}),
    *options("goto", *({"target_id": ID, "loop_count": count} for count in ("twice", 2**70, 1.5))),
    *options("branch", {"target_ids": {"1": "nowhere"}}, {"target_ids": ["1"]}, {"default_target_id": "nowhere"}),
    *options("condition_variable", {"false_target_id": "nowhere"}),
    *options("sleep", {"duration": 1e300}),
    *options("connect", {"anonymous": "perhaps"}),
    *options("call", {"anonymous": "perhaps"}),
    [{"type": "talk", "id": "twice"}, {"type": "talk", "id": "twice"}],
    [{"type": "empty"}] * 10_001,
)


@dataclass(frozen=True)
class Form:
    """A good request with a body, and what may not stand in which field of it."""

    method: str
    uri: str
    wrong: dict[str, tuple[Any, ...]]
    good: Json = field(default_factory=dict)

    def bodies(self) -> Iterator[Any]:
        """Bodies with one wrong thing each; the first ones are no objects at all."""
        yield from (None, [], "x", 5, True, [self.good])
        for name, values in self.wrong.items():
            yield from ({**self.good, name: value} for value in values)


TEXTS = {"name": (*NOT_TEXT, "n" * 256), "detail": (*NOT_TEXT, "d" * 65_536, "é" * 32_768)}
FORMS = (
    Form(
        "POST",
        "/v1/flows",
        {**TEXTS, "type": NOT_TEXT, "customer_id": NOT_ID, "persist": NOT_FLAG, "actions": NOT_ACTIONS}
        | {"on_complete_flow_id": NOT_ID},
    ),
    Form("PUT", "/v1/flows/{flow}", {**TEXTS, "actions": NOT_ACTIONS, "on_complete_flow_id": NOT_ID}),
    Form("PUT", "/v1/flows/{flow}/actions", {"actions": NOT_ACTIONS}),
    Form("GET", "/v1/flows/count_by_customer", {"customer_id": NOT_ID}),
    Form(
        "POST",
        "/v1/activeflows",
        {
            **dict.fromkeys(("id", "customer_id", "flow_id", "reference_id", "reference_activeflow_id"), NOT_ID),
            "reference_type": (*NOT_TEXT, "carrier-pigeon", "CALL", "call "),
            "webhook_uri": (*NOT_TEXT, "u" * 1025),
            "webhook_method": (*NOT_TEXT, "PATCH", "post"),
            "variables": NOT_TEXTS,
        },
    ),
    Form("POST", "/v1/activeflows/{activeflow}/push_actions", {"actions": NOT_ACTIONS}),
    Form("POST", "/v1/activeflows/{activeflow}/add_actions", {"actions": NOT_ACTIONS}),
    Form(
        "PUT",
        "/v1/activeflows/{activeflow}/forward_action_id",
        {"forward_action_id": (*NOT_ID, None, str(uuid4())), "forward_now": NOT_FLAG},
        {"forward_action_id": "{action}"},
    ),
    Form("POST", "/v1/activeflows/{activeflow}/service_stop", {"service_id": NOT_ID}),
    Form("POST", "/v1/activeflows/{activeflow}/continue", {"current_action_id": NOT_ID}),
    Form("GET", "/v1/activeflows/{activeflow}/next", {"current_action_id": NOT_ID}),
    Form(
        "POST",
        "/v1/variables/{activeflow}/variables",
        {
            "variables": (
                *NOT_TEXTS,
                {"k": "v" * 32_769},
                {"k" * 70_000: "v"},
                {f"k{number}": "v" for number in range(101)},
                {f"k{number}": "v" * 30_000 for number in range(3)},
            )
        },
    ),
    Form("POST", "/v1/variables/{activeflow}/substitute", {"data": NOT_TEXT}),
)

NO_LISTS: dict[str, tuple[str, Any]] = {
    "negative page_size": ("?page_size=-1", None),
    "page_size is a text": ("?page_size=ten", None),
    "page_size has a fraction": ("?page_size=1.5", None),
    "page_size is huge": ("?page_size=99999999999999999999", None),
    "page_token is a text": ("?page_token=yesterday", None),
    "page_token is no time": ("?page_token=2026-02-30T00:00:00.000000Z", None),
    "page_token is SQL": ("?page_token=' OR 1=1 --", None),
    "page_token is before all times": ("?page_token=0000-01-01T00:00:00Z", None),
    "body is a list": ("", []),
    "body is a text": ("", "customer_id"),
    "unknown filter": ("", {"colour": "red"}),
    "SQL as a filter": ("", {"customer_id = '' OR 1=1 --": "x"}),
    "SQL as an id": ("", {"customer_id": "' OR '1'='1"}),
    "id is a number": ("", {"customer_id": 5}),
    "id is a list": ("", {"customer_id": [ID]}),
    "text is an object": ("", {"on_complete_flow_id": {"$ne": ""}}),
    "deleted is a number": ("", {"deleted": 1}),
    "long filter name": ("", {"k" * 100_000: "x"}),
    "too many parameters": ("?" + "&".join(["page_size=1"] * 50), None),
}
