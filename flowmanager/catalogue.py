"""The catalogue of action types, for those who write flows: what each does, its options as JSON Schema, examples."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from flowmanager import executors
from flowmanager.discover import collect_with_module
from flowmanager.executor import Executor, Kind, Media, OnError
from flowmanager.schemas.json_schema import DIALECT, PLACEHOLDER, JsonSchema, form_schema

ACRONYMS = {"ai": "AI", "amd": "AMD", "url": "URL"}


@cache
def catalogue() -> tuple[Mapping[str, Any], ...]:
    """Return the entry of each action type that requests may use, in the order of their names."""
    found = collect_with_module(executors, Executor)
    return tuple(entry(one, description_of(module.__doc__ or "")) for module, one in found if one.public)


def entry(one: Executor, description: str) -> Mapping[str, Any]:
    """Return what is told of an action type."""
    return {
        "type": one.name,
        "title": title_of(one.name),
        "description": description,
        "media": one.media is Media.RTC,
        "runs_on": one.media.value,
        "handled_by": handler_of(one),
        "ends_flow_on_error": one.on_error is OnError.END_FLOW,
        "option": option_schema(one),
        "examples": [{"type": one.name, **({"option": example} if example else {})} for example in examples_of(one)],
    }


def option_schema(one: Executor) -> JsonSchema:
    """Return the options of an action type as JSON Schema."""
    schema = form_schema(one.option, stored=True)
    defs = {"$defs": {"placeholder": PLACEHOLDER}} if schema["properties"] else {}
    return {"$schema": DIALECT, "title": one.name, **schema, **defs}


def examples_of(one: Executor) -> tuple[Mapping[str, Any], ...]:
    """Return options as people write them; an action without options needs none."""
    return one.option.examples or ({},)


def handler_of(one: Executor) -> str:
    """Say who carries an action out; `caller` is whoever asked for it with `next`."""
    if one.kind is not Kind.CALLER:
        return "flow-manager"
    return "caller or flow-manager" if one.run else "caller or call-manager"


def title_of(name: str) -> str:
    """Return a name for people: `ai_talk` is `AI talk`."""
    words = [ACRONYMS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def description_of(docstring: str) -> str:
    """Return what a file says of its action type, without the name."""
    text = " ".join(docstring.split()).partition(": ")[2]
    return text[:1].upper() + text[1:]
