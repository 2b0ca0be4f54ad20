"""Forms as JSON Schema (2020-12): what a form refuses because of its type, the schema refuses too, or lets pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import missing, validate
from marshmallow.fields import Field

from flowmanager.core.ids import NIL
from flowmanager.core.naming import TARGET_MAP, TARGETS
from flowmanager.schemas.fields import (
    ANONYMOUS_VALUES,
    Anonymous,
    Flag,
    Form,
    Items,
    Json,
    JsonObject,
    Milliseconds,
    Named,
    Number,
    Record,
    Text,
    Uuid,
    Whole,
)
from flowmanager.schemas.requests import IdOrName

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLACEHOLDER = {"type": "string", "pattern": r"\$\{", "description": "A text with a placeholder like ${name}."}
"""Stands in stored flows where another value is expected: it is replaced before the action runs."""
UUID = r"^([uU][rR][nN]:[uU][uU][iI][dD]:)?\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?$"
UUID_OR_PLACEHOLDER = rf"{UUID}|\$\{{"
TARGET_FORMAT = "action"
TARGET = {
    "type": ["string", "null"],
    "format": TARGET_FORMAT,
    "description": "The id of an action, or the name it has in this list.",
}

JsonSchema = dict[str, Any]


def form_schema(form: type[Form], *, stored: bool = False) -> JsonSchema:
    """Return the schema of a form. `stored`: values may have placeholders, and actions names, as in flows."""
    fields = form().load_fields
    schema = object_of({field.data_key or name: field for name, field in fields.items()}, stored=stored)
    required = sorted(field.data_key or name for name, field in fields.items() if field.required)
    described = {"description": sentence_of(form)} if form.__doc__ else {}
    return {**described, **schema, **({"required": required} if required else {})}


def object_of(parts: Mapping[str, Field[Any]], *, stored: bool) -> JsonSchema:
    """Return the schema of an object with known parts; others are let pass."""
    return {"type": "object", "properties": {name: part_schema(name, one, stored) for name, one in parts.items()}}


def part_schema(name: str, field: Field[Any], stored: bool) -> JsonSchema:
    """Return the schema of a field by its name: in stored flows some fields refer to actions."""
    if stored and name in TARGETS:
        return {**TARGET, **described(field)}
    if stored and name == TARGET_MAP:
        return {"type": ["object", "null"], "additionalProperties": TARGET, "default": {}, **described(field)}
    return {**field_schema(field, stored), **described(field)}


def described(field: Field[Any]) -> JsonSchema:
    """Return what a field says of itself."""
    return {key: text for key, text in field.metadata.items() if key == "description"}


def field_schema(field: Field[Any], stored: bool) -> JsonSchema:
    """Return the schema of a field. null means absent everywhere."""
    for kind, make in KINDS.items():
        if isinstance(field, kind):
            schema = {**make(field, stored), **restrictions(field)}
            return {**optional(schema, stored), **default_of(field)}
    raise TypeError(f"no JSON Schema is known for {type(field).__name__}")


def optional(schema: JsonSchema, stored: bool) -> JsonSchema:
    """Let null pass, and in stored flows a text with a placeholder."""
    if "type" not in schema:
        return schema
    kind = schema["type"]
    nullable = {**schema, "type": [kind, "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    free = kind == "string" and not {"enum", "maxLength"} & schema.keys()
    return nullable if free or not stored else {"anyOf": [nullable, {"$ref": "#/$defs/placeholder"}]}


def restrictions(field: Field[Any]) -> JsonSchema:
    """Return what the validators of a field say, as far as JSON Schema has words for it."""
    found: JsonSchema = {}
    for one in field.validators:
        if isinstance(one, validate.Range):
            found |= {"minimum": one.min} if one.min is not None else {}
            found |= {"maximum": one.max} if one.max is not None else {}
        elif isinstance(one, validate.Length) and one.max is not None:
            found["maxLength"] = one.max
        elif isinstance(one, validate.OneOf):
            found["enum"] = list(one.choices)
    return found


def default_of(field: Field[Any]) -> JsonSchema:
    """Return the value of an absent field, where it has one."""
    value = field.load_default
    value = value() if callable(value) else value
    return {} if value is missing or value in (None, NIL) else {"default": value}


def sentence_of(documented: Any) -> str:
    """Return a docstring as one line."""
    return " ".join((documented.__doc__ or "").split())


def uuid(_field: Field[Any], stored: bool) -> JsonSchema:
    """Return the schema of a uuid."""
    return {"type": "string", "pattern": UUID_OR_PLACEHOLDER if stored else UUID}


def whole(field: Field[Any], _stored: bool) -> JsonSchema:
    """Return the schema of a whole number."""
    if isinstance(field, Milliseconds):
        return {"type": "integer", "minimum": -(2**63), "maximum": field.longest}
    return {"type": "integer", "minimum": -(2**63), "exclusiveMaximum": 2**63}


def record(field: Any, stored: bool) -> JsonSchema:
    """Return the schema of an object with known parts."""
    return object_of(field.parts, stored=stored)


KINDS: Mapping[type[Field[Any]], Callable[[Any, bool], JsonSchema]] = {
    Uuid: uuid,
    IdOrName: lambda _field, _stored: {"type": "string", "minLength": 1, "description": "A uuid, or a name for one."},
    Anonymous: lambda _field, _stored: {"type": "string", "enum": list(ANONYMOUS_VALUES)},
    Text: lambda _field, _stored: {"type": "string"},
    Whole: whole,
    Number: lambda _field, _stored: {"type": "number"},
    Flag: lambda _field, _stored: {"type": "boolean"},
    Items: lambda field, stored: {"type": "array", "items": field_schema(field.item, stored)},
    Named: lambda field, stored: {"type": "object", "additionalProperties": field_schema(field.item, stored)},
    Record: record,
    JsonObject: lambda _field, _stored: {"type": "object"},
    Json: lambda _field, _stored: {},
}
"""How each kind of field is written; the first that fits counts, so special kinds come before general ones."""
