"""Services: what a manager answers that takes over a flow for a while, by pushing actions into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowmanager.core.ids import NIL, Id
from flowmanager.stub_managers.world import World

Action = dict[str, Any]


def action(world: World, action_type: str, option: Mapping[str, Any] | None = None, *, next_id: Id = NIL) -> Action:
    """Return an action with a new id, as services write it."""
    return {
        "id": world.new_id(),
        "next_id": next_id,
        "type": action_type,
        "option": dict(option or {}),
        "tm_execute": None,
    }


def service(service_id: Id, service_type: str, push_actions: Sequence[Action]) -> dict[str, Any]:
    """Return the answer to the start of a service."""
    return {"id": service_id, "type": service_type, "push_actions": list(push_actions)}
