"""The actions of a flow's file as they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.ids import NIL
from flowmanager.errors import InvalidRequest
from flowmanager.schemas.trace_wire import template_trace
from flowmanager.trace.model import PlannedAction, read_action


def planned(actions: Sequence[Any]) -> tuple[PlannedAction, ...]:
    """Return the actions of a file. Ids may be names, and may be missing. Raises InvalidRequest."""
    return tuple(planned_action(number, one) for number, one in enumerate(actions))


def planned_action(number: int, given: Any) -> PlannedAction:
    """Return one action. Raises InvalidRequest."""
    option = given.get("option") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(option, Mapping | None):
        raise InvalidRequest(f"actions[{number}]: Not an action.", path=f"actions[{number}]")
    own = str(given.get("id") or "")
    action = Action(
        id=own if own not in ("", NIL) else f"actions[{number}]",
        type=str(given.get("type", "")),
        option=option,
        next_id=str(given.get("next_id") or NIL),
    )
    return read_action(template_trace(action))
