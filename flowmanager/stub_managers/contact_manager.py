"""contact-manager: cases and notes on them."""

from __future__ import annotations

from typing import Any

from flowmanager.stub_managers.stub import Refusal, Route, Stub, StubRequest
from flowmanager.stub_managers.world import World

Case = dict[str, Any]


def create_case(world: World, request: StubRequest) -> Case:
    """Open a case."""
    case = {**request.data, "id": world.new_id(), "notes": [], "tm_create": world.now_text()}
    world.table("cases")[case["id"]] = case
    return case


def add_note(world: World, request: StubRequest) -> dict[str, Any]:
    """Write a note on a case. Raises Refusal."""
    case: Case | None = world.table("cases").get(request.parts[0])
    if case is None:
        raise Refusal(404, "CASE_NOT_FOUND", "no such case")
    note = {**request.data, "id": world.new_id(), "tm_create": world.now_text()}
    case["notes"].append(note)
    return note


contact_manager = Stub(
    "contact",
    (
        Route("POST", "/v1/cases", create_case),
        Route("POST", "/v1/cases/<id>/notes", add_note),
    ),
)
