"""A flow as its author keeps it: the body that stores it, or only its list of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest, PeerError
from flowmanager.schemas.fields import parse_id
from flowmanager.simulation.office import Office

CUSTOMER: Id = "7b1e0c52-4a7d-4f0e-9a51-2f6f2d1c9e11"

UNNAMED = "the flow"
"""How the flow under test is spoken of."""

FlowBody = Mapping[str, Any]


class InvalidFlow(InvalidRequest):
    """The flow cannot be stored."""

    reason = "INVALID_FLOW"


def read_flow_file(path: Path) -> FlowBody:
    """Read a flow from a JSON file. Raises InvalidFlow, OSError."""
    return read_flow(path.read_bytes(), str(path))


def read_flow(data: bytes, source: str) -> FlowBody:
    """Read a flow from JSON. Raises InvalidFlow, which names the source."""
    try:
        return flow_body(orjson.loads(data))
    except orjson.JSONDecodeError as error:
        raise InvalidFlow(f"{source}, line {error.lineno}: not JSON: {error.msg}") from error
    except InvalidFlow as error:
        raise InvalidFlow(f"{source}: {error.sentence}") from error


def flow_body(given: Any) -> FlowBody:
    """Return the body of a flow that may be only its actions. Raises InvalidFlow."""
    body = {"actions": given} if isinstance(given, list) else given
    if not isinstance(body, Mapping) or not isinstance(body.get("actions"), Sequence):
        raise InvalidFlow("not a flow: an object with `actions`, or a list of actions")
    return body


def store_flow(office: Office, given: FlowBody, flow_id: Id | None = None, *, name: str = "") -> Id:
    """Store a flow, under an id of its own when it has one, and name its actions. Raises InvalidFlow."""
    body = {**flow_body(given), "customer_id": CUSTOMER, "persist": True}
    wanted = flow_id or parse_id(str(body.pop("id", "") or "")) or ""
    try:
        stored = office.request("POST", "/v1/flows", stripped(body))
    except PeerError as error:
        raise InvalidFlow(f"{name or UNNAMED}: {told(error)}") from error
    office.recorder.labels.add(body["actions"], [one["id"] for one in stored.get("actions", ())], flow=name)
    if wanted in ("", NIL):
        return str(stored["id"])
    tables = office.store.tables
    tables.flows[wanted] = replace(tables.flows[stored["id"]], id=wanted)
    return wanted


KNOWN = frozenset({"customer_id", "type", "name", "detail", "persist", "actions"})
FOLLOWERS = frozenset({"on_complete_flow_id", "on_drop_flow_id"})


def stripped(body: FlowBody) -> dict[str, Any]:
    """Return what a request may hold: a flow as it was read from the service has more."""
    return {key: value for key, value in body.items() if key in KNOWN | FOLLOWERS}


def told(error: PeerError) -> str:
    """Return what is wrong with a flow, and where."""
    typed = error.typed or {}
    path = next((one.get("path") for one in typed.get("details") or ()), None)
    sentence = str(typed.get("message") or error.sentence)
    return f"{path}: {sentence}" if path and not sentence.startswith(str(path)) else sentence
