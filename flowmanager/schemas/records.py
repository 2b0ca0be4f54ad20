"""The schema of every record that answers and events hold."""

from __future__ import annotations

from collections.abc import Mapping

from flowmanager.schemas.answers import RECORDS
from flowmanager.schemas.json_schema import JsonSchema
from flowmanager.schemas.meanings import meaning
from flowmanager.schemas.sampled import schema_of
from flowmanager.schemas.trace_answers import trace_schemas


def record_schemas() -> Mapping[str, JsonSchema]:
    """Return them by name."""
    return {**{name: explained(name, schema_of(samples)) for name, samples in RECORDS.items()}, **trace_schemas()}


def explained(name: str, schema: JsonSchema) -> JsonSchema:
    """Return the schema of a record, or of a list of such, whose fields say what they mean."""
    if "items" in schema:
        return {**schema, "items": explained(name, schema["items"])}
    fields = schema["properties"].items()
    return {**schema, "properties": {field: {**one, "description": meaning(name, field)} for field, one in fields}}
