"""Answers and events against the published contract, in its strictest reading: no field that it does not name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from flowmanager.contract.asyncapi import answer_name, document
from flowmanager.contract.parts import all_routes, operation_name
from flowmanager.ports import Message, MessageKind

GOOD = 200
PLACE = "urn:contract"


def strict(part: Any) -> Any:
    """Return a schema in which no object has fields that are not named, the envelope apart."""
    if isinstance(part, list):
        return [strict(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    made = {key: strict(value) for key, value in part.items()}
    closed = isinstance(part.get("properties"), Mapping) and part.get("type") in ("object", ["object", "null"])
    return {**made, "additionalProperties": False} if closed and "additionalProperties" not in part else made


@cache
def contract() -> Mapping[str, Any]:
    """The document."""
    return document()


@cache
def validator(message: str) -> Draft202012Validator:
    """What a message must be."""
    whole = {"components": strict(contract()["components"])}
    registry: Registry[Any] = Registry().with_resource(PLACE, Resource.from_contents(whole, DRAFT202012))
    schema = {"$ref": f"{PLACE}#/components/messages/{message}/payload"}
    return Draft202012Validator(schema, registry=registry)


def check_answer(request: bytes, answer: Mapping[str, Any]) -> None:
    """Fail when an answer is not what the contract says."""
    if answer["status_code"] != GOOD:
        validator("error").validate(answer)
        return
    asked = orjson.loads(request)
    path = asked["uri"].partition("?")[0]
    [found] = [one for one in all_routes() if one.method == asked["method"] and one.pattern.fullmatch(path)]
    validator(answer_name(operation_name(found))).validate(answer)


def check_event(message: Message) -> None:
    """Fail when an event is not what the contract says."""
    if message.kind is MessageKind.EVENT:
        event = orjson.loads(message.body)
        validator(event["type"]).validate(event)
