"""Raw events of a script: any message of another manager, at any time, as it would come from the broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from flowmanager.core.variables import Variables, substitute
from flowmanager.errors import InvalidEnvelope
from flowmanager.simulation.parts import Part
from flowmanager.simulation.script import Event
from flowmanager.subscription import Event as Decoded
from flowmanager.subscription import decode_event
from flowmanager.timeline import brief

MOST_TIMES = 100
"""How often the same event may come: to see that a repeat changes nothing, two are enough."""
METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
LARGEST, DEEPEST = 1_048_576, 100
"""Of a message, in bytes and in levels: what a worker takes without settings."""


def event(part: Part) -> Event:
    """Read `queue queuecall_done`, or an object with manager, type and data, or with the whole message."""
    if not isinstance(part.value, Mapping):
        words = part.text().split()
        if len(words) != 2:
            raise part.fail(
                "which event? say manager and type, such as `queue queuecall_done`, or an object with `data:`"
            )
        return Event(body=checked(part, envelope(words[0], words[1], {})), path=part.path)
    given = part.fields("manager", "type", "data", "body", "request", "at", "after", "times")
    method, uri = request(given["request"]) if "request" in given else ("", "")
    data = given["data"].value if "data" in given else None
    return Event(
        body=data if method else checked(part, whole(part, given)),
        method=method,
        uri=uri,
        at=given["at"].text() if "at" in given else "",
        after=given["after"].seconds() if "after" in given else 0.0,
        times=times(given["times"]) if "times" in given else 1,
        path=part.path,
    )


def request(part: Part) -> tuple[str, str]:
    """Read `POST /v1/activeflows/<activeflow>/stop`."""
    method, _, uri = part.text().partition(" ")
    if method.upper() not in METHODS or not uri.startswith("/v1/"):
        raise part.fail("which request? say method and URI, such as `POST /v1/activeflows/<activeflow>/stop`")
    return method.upper(), uri


def whole(part: Part, given: Mapping[str, Part]) -> Any:
    """Return the message that an object describes."""
    if "body" in given:
        return given["body"].value
    if "manager" not in given or "type" not in given:
        raise part.fail("say `manager:` and `type:`, the whole message as `body:`, or a `request:`")
    data = given["data"].value if "data" in given else {}
    return envelope(given["manager"].text(), given["type"].text(), data)


def envelope(manager: str, event_type: str, data: Any) -> dict[str, Any]:
    """Return an event as managers publish it."""
    publisher = f"{manager.removesuffix('-manager')}-manager"
    return {"type": event_type, "publisher": publisher, "data_type": "application/json", "data": data}


def checked(part: Part, body: Any) -> Mapping[str, Any]:
    """Return a message that flow-manager can read as an event."""
    try:
        decoded(body)
    except InvalidEnvelope as error:
        raise part.fail(f"not an event: {error.sentence}") from error
    found: Mapping[str, Any] = body
    return found


def times(part: Part) -> int:
    """Read how often an event comes."""
    said = part.text()
    if not said.isdecimal() or not 0 < int(said) <= MOST_TIMES:
        raise part.fail(f"how often? a number from 1 to {MOST_TIMES}, not {said!r}")
    return int(said)


def decoded(body: Any) -> Decoded:
    """Return an event as flow-manager reads it. Raises InvalidEnvelope."""
    return decode_event(orjson.dumps(body), limit=LARGEST, depth=DEEPEST)


def filled(body: Any, ids: Mapping[str, str], variables: Variables) -> Any:
    """Return a value with ids for `<call>` and the like, and with values for `${variables}`."""
    text = orjson.dumps(body).decode()
    for name, value in ids.items():
        text = text.replace(f"<{name}>", value)
    return substitute(orjson.loads(text), variables)


def told(body: Mapping[str, Any]) -> str:
    """Tell an event in one line."""
    source = body.get("publisher") or body.get("type")
    name = body.get("event") or body.get("type")
    data = {**body.get("data", {}), **{key: body[key] for key in body if key not in ENVELOPE}}
    return f"{source}: {name} {brief(data, ())}".strip()


ENVELOPE = frozenset({"type", "publisher", "data_type", "data", "event"})
