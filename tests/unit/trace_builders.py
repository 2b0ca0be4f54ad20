"""Traces for tests, as the service would answer them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowmanager.core.ids import MAIN, NIL
from flowmanager.trace.model import Trace, read_trace

Json = dict[str, Any]
ID = "5e0a3f7c-1f0e-4c8e-9a51-2f6f2d1c9e11"


def action(name: str, action_type: str = "talk", *, next_id: str = NIL, option: Any = None, **targets: str) -> Json:
    """An action of a frame; `targets` are label and name of where it may jump."""
    jumps = [{"label": label, "id": target} for label, target in targets.items()]
    return {"id": name, "type": action_type, "option": option or {}, "next_id": next_id, "targets": jumps}


def frame(*actions: Json, name: str = MAIN, parent: tuple[str, str] = (NIL, NIL), **more: Any) -> Json:
    """A stack of actions."""
    place = {"parent_stack_id": parent[0], "parent_action_id": parent[1]}
    return {"id": name, "actions": list(actions), **place, "at": False, "omitted": 0, **more}


def step(seq: int, name: str, action_type: str = "talk", *, stack: str = MAIN, **more: Any) -> Json:
    """A step that took half a second."""
    times = {"tm_execute": f"2026-05-04T07:00:{seq:02}Z", "tm_end": f"2026-05-04T07:00:{seq:02}.5Z"}
    place = {"stack_id": stack, "action_id": name, "type": action_type}
    return (
        {"seq": seq, **place, "option": {}, "result": "done", "cause": "next", "cause_kind": "request"} | times | more
    )


def wire(*frames: Json, steps: Sequence[Json] = (), current: Json | None = None, **more: Any) -> Json:
    """An answer of the service."""
    told: Json = {
        "id": ID,
        "customer_id": NIL,
        "flow_id": NIL,
        "flow_name": "front desk",
        "reference_type": "call",
        "reference_id": ID,
        "reference_activeflow_id": NIL,
        "status": "running",
        "state": "waiting",
        "why": "its caller performs `talk`",
        "wait": {"for": "pull", "until": None},
        "ended_reason": None,
        "error": None,
        "executed_count": len(steps),
        "execute_count": 1,
        "now": "2026-05-04T07:01:00Z",
        "tm_create": "2026-05-04T07:00:00Z",
        "tm_update": "2026-05-04T07:00:00Z",
        "tm_end": None,
        "since": 0,
        "next_since": None,
    }
    return told | {"frames": list(frames), "steps": list(steps), "current": current} | more


def trace(*frames: Json, **more: Any) -> Trace:
    """The same, read."""
    return read_trace(wire(*frames, **more))


def ended(*frames: Json, **more: Any) -> Trace:
    """A trace of an activeflow that is over."""
    over = {"status": "ended", "state": "ended", "ended_reason": "finished", "tm_end": "2026-05-04T07:00:59Z"}
    return trace(*frames, **{**over, "why": "it ran to its end", **more})
