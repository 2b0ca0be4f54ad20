"""JSON Schema as tables and words for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flowmanager.schemas.json_schema import PLACEHOLDER, TARGET_FORMAT, UUID, UUID_OR_PLACEHOLDER, JsonSchema

GENERATED = "<!-- Written by `flowmanager contract`; do not edit. -->"
NO_PLACEHOLDER = {"$ref": "#/$defs/placeholder"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    cells = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in cells]


def field_rows(schema: JsonSchema) -> list[Sequence[str]]:
    """Return a row for each field of an object: name, what it may be, what absence means, what it is."""
    return [
        (f"`{name}`", words(one), default_text(one), one.get("description", ""))
        for name, one in schema["properties"].items()
    ]


def default_text(schema: JsonSchema) -> str:
    """Return what the absence of a field means."""
    value = schema.get("default")
    if value in (None, "", [], {}) or value is False:
        return ""
    return f"`{value}`"


def words(schema: JsonSchema) -> str:
    """Return what a value may be."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "anyOf" in schema:
        return words(next(one for one in schema["anyOf"] if one != NO_PLACEHOLDER))
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("enum"):
        return " ".join("empty" if one == "" else f"`{one}`" for one in schema["enum"] if one is not None)
    kinds = schema.get("type", "any JSON")
    named = kinds if isinstance(kinds, list) else [kinds]
    found = " or ".join(one_kind(kind, schema) for kind in named if kind != "null" or named == ["null"])
    return found + limits(schema)


def one_kind(kind: str, schema: JsonSchema) -> str:
    """Return one JSON type in words."""
    if kind == "string":
        return text_kind(schema)
    if kind == "array":
        return f"list of {words(schema['items'])}" if "items" in schema else "list"
    if kind == "object" and "additionalProperties" in schema:
        return f"object: name to {words(schema['additionalProperties'])}"
    if kind == "object" and schema.get("properties"):
        return "object: " + ", ".join(f"`{name}`" for name in schema["properties"])
    return {"integer": "whole number", "number": "number", "boolean": "`true` or `false`"}.get(kind, kind)


def text_kind(schema: JsonSchema) -> str:
    """Return what kind of text a text is."""
    if schema.get("format") == "uuid" or schema.get("pattern") in (UUID, UUID_OR_PLACEHOLDER):
        return "uuid"
    if schema.get("format") == "date-time":
        return "time"
    if schema.get("pattern") == PLACEHOLDER["pattern"]:
        return "placeholder"
    return "id or name of an action" if schema.get("format") == TARGET_FORMAT else "text"


def limits(schema: JsonSchema) -> str:
    """Return bounds that are not those of every number."""
    low, high = schema.get("minimum"), schema.get("maximum")
    told = [
        *([f"at least {low}"] if low is not None and low > -(2**63) else []),
        *([f"at most {high}"] if high else []),
    ]
    longest: Any = schema.get("maxLength")
    return (
        f" ({', '.join([*told, *([f'at most {longest} characters'] if longest else [])])})" if told or longest else ""
    )
