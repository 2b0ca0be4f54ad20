"""The keyword arguments of the client's methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, cast

from flowmanager.client.records import GivenAction, action_wires


class CallOptions(TypedDict, total=False):
    """What every call takes."""

    timeout: float
    """Seconds until the call fails, all repeats included."""
    request_id: str
    """Name of the request: whoever sends it again gets the first answer again. A new uuid if not given."""


class FlowTexts(CallOptions, total=False):
    """What a change of a flow takes."""

    name: str
    detail: str
    actions: Iterable[GivenAction]
    on_complete_flow_id: str
    on_drop_flow_id: str


class NewFlow(FlowTexts, total=False):
    """What the creation of a flow takes."""

    type: str
    persist: bool


class FlowToCheck(FlowTexts, total=False):
    """What the check of a flow takes."""

    id: str
    """The flow that would be changed."""
    type: str
    reference_type: str
    """What it will run on; without it, nothing is said about that."""


class NewActiveflow(CallOptions, total=False):
    """What the creation of an activeflow takes."""

    id: str
    reference_type: str
    reference_id: str
    reference_activeflow_id: str
    webhook_uri: str
    webhook_method: str
    variables: Mapping[str, str]


class ListOptions(TypedDict, total=False):
    """What a list takes."""

    page_size: int
    """Rows of one request, at most 1000."""
    timeout: float
    """Seconds until the request for one page fails."""


def call_options(given: Mapping[str, Any]) -> CallOptions:
    """Return those that every call takes."""
    return cast(CallOptions, {key: given[key] for key in CallOptions.__annotations__ if key in given})


def body_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the others: the body of the request."""
    body = {key: value for key, value in given.items() if key not in CallOptions.__annotations__}
    return {**body, "actions": action_wires(body["actions"])} if "actions" in body else body
