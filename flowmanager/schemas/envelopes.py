"""Envelopes: how a request is read, how answers and events are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from flowmanager.core.frozen import frozen
from flowmanager.errors import FlowManagerError, InvalidEnvelope

PUBLISHER = "flow-manager"
JSON_TYPE = "application/json"
ERROR_TYPE = "voipbin_error"


@frozen
class Request:
    """A request as its sender wrote it. `data` None: absent or null."""

    uri: str
    method: str
    data: Any = None
    publisher: str = ""
    request_id: str = ""
    has_data: bool = False


def decode_request(body: bytes, *, limit: int, depth: int) -> Request:
    """Read a request. Raises InvalidEnvelope for what is not JSON, not an object, too large or nested too deep."""
    envelope = decode_object(body, limit=limit, depth=depth)
    given = {key: envelope.get(key) for key in ("uri", "method", "publisher", "request_id")}
    texts: dict[str, Any] = {key: "" if value is None else value for key, value in given.items()}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise InvalidEnvelope(f"{key}: Not a text.", path=key)
    return Request(
        uri=texts["uri"],
        method=texts["method"],
        data=envelope.get("data"),
        publisher=texts["publisher"],
        request_id=texts["request_id"],
        has_data="data" in envelope,
    )


def decode_object(body: bytes, *, limit: int, depth: int) -> Mapping[str, Any]:
    """Read a JSON object. Raises InvalidEnvelope."""
    if len(body) > limit:
        raise InvalidEnvelope("the message is too large", bytes=len(body), limit=limit)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidEnvelope(f"the message is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidEnvelope("the message is not a JSON object")
    if deeper_than(value, depth):
        raise InvalidEnvelope("the message is nested too deep", limit=depth)
    return value


def deeper_than(value: Any, depth: int) -> bool:
    """Say whether a JSON value is nested deeper than `depth` levels; never recurses."""
    level = [value]
    for _ in range(depth + 1):
        level = [inner for outer in level for inner in children(outer)]
        if not level:
            return False
    return True


NESTING = (dict, list)


def children(value: Any) -> Any:
    """Return the containers directly inside a JSON value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in inner if isinstance(one, NESTING)]


def encode_answer(data: Any = None, *, status_code: int = 200) -> bytes:
    """Write a good answer; None: no data."""
    envelope: dict[str, Any] = {"status_code": status_code, "data_type": JSON_TYPE}
    if data is not None:
        envelope["data"] = data
    return orjson.dumps(envelope)


def encode_error(error: FlowManagerError) -> bytes:
    """Write an error answer."""
    return orjson.dumps({"status_code": error.status_code, "data_type": ERROR_TYPE, "data": error.body()}, default=str)


def encode_event(event_type: str, data: Mapping[str, Any]) -> bytes:
    """Write an event of ours."""
    return orjson.dumps({"type": event_type, "publisher": PUBLISHER, "data_type": JSON_TYPE, "data": data})


def encode_request(method: str, uri: str, data: Any) -> bytes:
    """Write a request of ours that nobody answers."""
    return orjson.dumps({"uri": uri, "method": method, "publisher": PUBLISHER, "data_type": JSON_TYPE, "data": data})
