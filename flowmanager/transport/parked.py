"""What people see of a parked message: where it came from, why it is there, what it says, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from flowmanager.core.masking import shown_text, shown_tree
from flowmanager.transport.envelope import CUT, KEPT_PROPERTIES, QUEUE, REASON, TIME, Delivery

Json = dict[str, Any]

LINE_CHARACTERS = 200
"""Of a body in a list."""
WHOLE_CHARACTERS = 100_000
DEPTH = 20
"""Of the JSON of a body that is shown as a whole."""
REASON_SHOWN = 1000


def summary(number: int, parked: Delivery) -> Json:
    """Return a message as a list shows it."""
    headers = parked.headers
    found: Json = {
        "number": number,
        "parked_at": clean(str(headers.get(TIME, ""))),
        "queue": clean(str(headers.get(QUEUE, ""))),
        "reason": clean(shown_text(str(headers.get(REASON, "")), limit=REASON_SHOWN)),
        **what(parked.body),
        "bytes": int(headers.get(CUT, len(parked.body))),
        "whole": CUT not in headers,
    }
    properties = {name: clean(getattr(parked, name)) for name in KEPT_PROPERTIES}
    return {**found, **{name: value for name, value in properties.items() if value}, "body": beginning(parked.body)}


def what(body: bytes) -> Json:
    """Return what kind of message a body is: method and URI of a request, or the name of an event."""
    tree = parsed(body)
    if not isinstance(tree, Mapping):
        return {}
    named = {name: tree.get(name) for name in ("method", "uri", "publisher", "type", "event")}
    return {name: clean(shown_text(value)) for name, value in named.items() if isinstance(value, str) and value}


def title(shown: Json) -> str:
    """Return the kind of a message in a few words."""
    if "uri" in shown:
        return f"{shown.get('method', '')} {shown['uri']}".strip()
    return " ".join(shown[name] for name in ("publisher", "type", "event") if name in shown) or "not to be read"


def beginning(body: bytes) -> str:
    """Return the first part of a body on one line."""
    tree = parsed(body)
    text = plain(body) if tree is None else orjson.dumps(shown_tree(tree, depth=DEPTH)).decode()
    return clean(shown_text(text, limit=LINE_CHARACTERS))


def whole(body: bytes) -> str:
    """Return a body in full as far as a person reads; JSON in lines, long texts and lists in short."""
    tree = parsed(body)
    if tree is None:
        return clean(shown_text(plain(body), limit=WHOLE_CHARACTERS))
    return orjson.dumps(shown_tree(tree, depth=DEPTH), option=orjson.OPT_INDENT_2).decode()


def parsed(body: bytes) -> Any:
    """Return the JSON of a body, None when it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def plain(body: bytes) -> str:
    """Return bytes as text."""
    return body[:WHOLE_CHARACTERS].decode(errors="backslashreplace")


def clean(text: str) -> str:
    """Return a text that does nothing to a terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
