"""What answers and events hold, as JSON Schema: read off the records that the wire functions write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.activeflow import (
    Activeflow,
    EndedReason,
    Fault,
    ReferenceType,
    State,
    Step,
    StepResult,
)
from flowmanager.core.flow import Flow
from flowmanager.core.ids import MAIN, NIL
from flowmanager.core.stacks import Frame, Place, Return, StackMap
from flowmanager.schemas.fields import CANONICAL
from flowmanager.schemas.json_schema import JsonSchema
from flowmanager.schemas.wire import (
    action_wire,
    activeflow_wire,
    detail_wire,
    event_wire,
    flow_wire,
    stacks_wire,
    variables_wire,
)

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
ENUMS: Mapping[str, Iterable[str]] = {
    "state": [one.value for one in State],
    "status": ["running", "ended"],
    "ended_reason": [one.value for one in EndedReason],
    "reference_type": [one.value for one in ReferenceType],
    "result": [one.value for one in StepResult],
    "severity": ["error", "warning", "note"],
}
"""Fields with known words, by name."""
MAPS: Mapping[str, JsonSchema] = {
    "option": {},
    "variables": {"type": "string"},
    "goto_counts": {"type": "integer"},
}
"""Fields whose keys are not ours, with what their values are."""
WORDS = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def schema_of(samples: Sequence[Any], name: str = "") -> JsonSchema:
    """Return the schema that fits all samples of a value. What is in every sample of an object is always there."""
    objects = [one for one in samples if isinstance(one, Mapping)]
    lists = [one for one in samples if isinstance(one, list)]
    plain = [one for one in samples if not isinstance(one, Mapping | list)]
    kinds = [*(["object"] if objects else []), *(["array"] if lists else []), *plain_kinds(plain)]
    schema: JsonSchema = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    return {**schema, **(object_part(objects, name) if objects else {}), **list_part(lists), **text_part(plain, name)}


def plain_kinds(plain: Sequence[Any]) -> list[str]:
    """Return the JSON types of plain values."""
    return sorted({WORDS[type(one)] for one in plain}, key=lambda kind: (kind == "null", kind))


def object_part(objects: Sequence[Mapping[str, Any]], name: str) -> JsonSchema:
    """Return what is known of the fields of objects."""
    if name in MAPS:
        return {"additionalProperties": MAPS[name]}
    keys = list(dict.fromkeys(key for one in objects for key in one))
    if keys and all(CANONICAL.fullmatch(key) for key in keys):
        return {"additionalProperties": schema_of([value for one in objects for value in one.values()])}
    properties = {key: schema_of([one[key] for one in objects if key in one], key) for key in keys}
    always = [key for key in keys if all(key in one for one in objects)]
    return {"properties": properties, "required": always}


def list_part(lists: Sequence[list[Any]]) -> JsonSchema:
    """Return what is known of the items of lists."""
    items = [item for one in lists for item in one]
    return {"items": schema_of(items)} if items else {}


def text_part(plain: Sequence[Any], name: str) -> JsonSchema:
    """Return what is known of texts: known words, uuids, times."""
    texts = [one for one in plain if isinstance(one, str)]
    if texts and name in ENUMS:
        return {"enum": [*ENUMS[name], *([None] if None in plain else [])]}
    if texts and all(map(CANONICAL.fullmatch, texts)):
        return {"format": "uuid"}
    if texts and all(map(TIME.fullmatch, texts)):
        return {"format": "date-time"}
    return {}


def plain_flow() -> Flow:
    """A flow with nothing that can be left out."""
    return Flow(id=ONE)


def full_flow() -> Flow:
    """A flow with something everywhere."""
    return Flow(
        id=ONE,
        type="flow",
        name="Front desk",
        detail="Asks who is wanted.",
        persist=True,
        actions=ACTIONS,
        direct_hash="0a1b2c",
        tm_create=NOON,
        tm_update=NOON,
        tm_delete=NOON,
    )


ACTIONS = (Action(ONE, "talk", {"text": "Hello"}, TWO), Action(TWO, "", None, NIL))
STEPS = (
    Step(0, ACTIONS[0], StepResult.DONE, "execute", "", NOON, NOON),
    Step(1, ACTIONS[1], StepResult.FAILED, "execute", "It went wrong.", None, None),
)


def plain_activeflow() -> Activeflow:
    """An activeflow with nothing that can be left out."""
    return Activeflow(id=ONE, stacks=StackMap.of(ACTIONS))


def full_activeflow() -> Activeflow:
    """An activeflow with something everywhere."""
    back = Return(Place(MAIN, ONE))
    frames = (Frame(MAIN, ACTIONS), Frame(ONE, ACTIONS, back, {ONE: 1}), Frame(TWO, (), back))
    return Activeflow(
        id=ONE,
        reference_type=ReferenceType.CALL,
        webhook_uri="https://example.com/hook",
        webhook_method="POST",
        stacks=StackMap({frame.id: frame for frame in frames}),
        cursor=Place(ONE, ONE),
        current_action=ACTIONS[0],
        forward=Place(ONE, TWO),
        variables={"name": "value"},
        state=State.ERROR,
        execute_count=1,
        executed_count=2,
        ended_reason=EndedReason.ERROR,
        fault=Fault(ONE, "talk", "It went wrong."),
        on_complete_blocked=True,
        tm_create=NOON,
        tm_update=NOON,
        tm_end=NOON,
        tm_delete=NOON,
    )


FLOWS = (plain_flow(), full_flow())
ACTIVEFLOWS = ((plain_activeflow(), ()), (full_activeflow(), STEPS))

STACKED = {
    "position": 0,
    "active": True,
    "id": ONE,
    "customer_id": NIL,
    "flow_id": NIL,
    "state": "waiting",
    "stack_depth": 0,
    "current_action_id": ONE,
    "current_action_type": "talk",
}
ACTION_TYPE = {
    "type": "talk",
    "title": "Talk",
    "description": "Say a text on the call.",
    "media": True,
    "runs_on": "rtc",
    "handled_by": "caller or call-manager",
    "ends_flow_on_error": False,
    "option": {"type": "object"},
    "examples": [{"type": "talk", "option": {"text": "Hello."}}],
}

FINDING = {
    "rule": "branch-default",
    "severity": "warning",
    "path": "actions[2].option",
    "reason": "A value that is not listed ends the flow.",
    "fix": "Give a default_target_id.",
}

RECORDS: Mapping[str, Sequence[Any]] = {
    "action": [action_wire(one) for one in ACTIONS],
    "flow": [flow_wire(one) for one in FLOWS],
    "stored_flow": [flow_wire(FLOWS[0]), {**flow_wire(FLOWS[1]), "warnings": [FINDING]}],
    "judgement": [{"valid": True, "findings": [FINDING]}],
    "activeflow": [activeflow_wire(one, steps) for one, steps in ACTIVEFLOWS],
    "activeflow_detail": [detail_wire(one, steps) for one, steps in ACTIVEFLOWS],
    "activeflow_event": [event_wire(one, steps) for one, steps in ACTIVEFLOWS],
    "frames": [stacks_wire(one) for one, _ in ACTIVEFLOWS],
    "variables": [variables_wire(one) for one, _ in ACTIVEFLOWS],
    "count": [{"count": 3}],
    "text": [{"data": "Hello."}],
    "flow_stack": [{"reference_type": "call", "reference_id": ONE, "activeflows": [STACKED]}],
    "action_type": [ACTION_TYPE],
}
"""Samples of what answers and events hold, by the name of their schema."""
OTHERS: Mapping[str, JsonSchema] = {
    "trace": {"type": "object", "description": "What happened, step by step; masked and of bounded size."},
}


def record_schemas() -> Mapping[str, JsonSchema]:
    """Return the schema of every record."""
    return {**{name: schema_of(samples) for name, samples in RECORDS.items()}, **OTHERS}
