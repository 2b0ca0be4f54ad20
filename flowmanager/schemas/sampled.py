"""JSON Schema read off samples of what is written: of answers, events and traces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flowmanager.core.activeflow import Driver, EndedReason, ReferenceType, State, StepResult
from flowmanager.schemas.fields import CANONICAL
from flowmanager.schemas.json_schema import JsonSchema

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
ENUMS: Mapping[str, Iterable[str]] = {
    "state": [one.value for one in State],
    "status": ["running", "ended"],
    "ended_reason": [one.value for one in EndedReason],
    "reference_type": [one.value for one in ReferenceType],
    "result": [one.value for one in StepResult],
    "severity": ["error", "warning", "note"],
    "for": [one.value for one in Driver],
    "cause_kind": ["request", "event", "timer", "chain"],
}
"""Fields with known words, by name."""
MAPS: Mapping[str, JsonSchema] = {
    "option": {},
    "variables": {"type": "string"},
    "goto_counts": {"type": "integer"},
}
"""Fields whose keys are not ours, with what their values are."""
ANY = frozenset({"answer"})
"""Fields that hold what somebody else says."""
WORDS = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


def schema_of(samples: Sequence[Any], name: str = "") -> JsonSchema:
    """Return the schema that fits all samples of a value. What is in every sample of an object is always there."""
    if name in ANY:
        return {}
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
