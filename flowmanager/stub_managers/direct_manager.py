"""direct-manager: short public names (hashes) of flows."""

from __future__ import annotations

from typing import Any

from flowmanager.stub_managers.stub import Refusal, Route, Stub, StubRequest
from flowmanager.stub_managers.world import World

Direct = dict[str, Any]
HASH_LENGTH = 8


def create_direct(world: World, request: StubRequest) -> Direct:
    """Name something."""
    direct: Direct = {
        "id": world.new_id(),
        "customer_id": request.id("customer_id"),
        "resource_type": request.text("resource_type"),
        "resource_id": request.id("resource_id"),
        "hash": new_hash(world),
        "tm_create": world.now_text(),
        "tm_update": None,
    }
    world.table("directs")[direct["id"]] = direct
    world.emit("direct", "direct_created", direct)
    return direct


def new_hash(world: World) -> str:
    """Return a new name."""
    return world.new_id().replace("-", "")[:HASH_LENGTH]


def direct_of(world: World, request: StubRequest) -> Direct:
    """Return a name. Raises Refusal."""
    direct: Direct | None = world.table("directs").get(request.parts[0])
    if direct is None:
        raise Refusal(404, "DIRECT_NOT_FOUND", "no such direct")
    return direct


def regenerate_direct(world: World, request: StubRequest) -> Direct:
    """Replace a name by another."""
    direct = direct_of(world, request)
    direct |= {"hash": new_hash(world), "tm_update": world.now_text()}
    world.emit("direct", "direct_regenerated", direct)
    return direct


def delete_direct(world: World, request: StubRequest) -> Direct:
    """Take a name away."""
    direct = direct_of(world, request)
    del world.table("directs")[direct["id"]]
    world.emit("direct", "direct_deleted", direct)
    return direct


direct_manager = Stub(
    "direct",
    (
        Route("POST", "/v1/directs", create_direct),
        Route("POST", "/v1/directs/<id>/regenerate", regenerate_direct),
        Route("DELETE", "/v1/directs/<id>", delete_direct),
    ),
)
