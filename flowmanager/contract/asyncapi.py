"""The AsyncAPI 3 document: every request, its answer, every event that we send, every event that we read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flowmanager import __version__
from flowmanager.contract.parts import (
    PUBLISHED,
    Heard,
    all_routes,
    comes_by_exchange,
    heard_events,
    operation_name,
    refusals,
)
from flowmanager.route import SEGMENTS, Route
from flowmanager.schemas.envelopes import ERROR_TYPE, JSON_TYPE, PUBLISHER
from flowmanager.schemas.fields import Form
from flowmanager.schemas.json_schema import JsonSchema, form_schema, sentence_of
from flowmanager.schemas.records import record_schemas
from flowmanager.subscription import plain
from flowmanager.transport.names import NAMES

Part = dict[str, Any]
REQUEST, ANSWER, EVENT, INBOX = "request", "answer", "event", "inbox"
"""Our channels: the queue of requests, where a caller awaits its answer, our events, events sent to us."""
TEXT: JsonSchema = {"type": "string"}
INTRODUCTION = """\
flow-manager stores flows and runs them as activeflows. It is spoken to over RabbitMQ: a request is a JSON object on its
queue, and the answer goes to the `reply_to` of the message with the same `correlation_id`. Unknown fields are ignored,
null means absent, and keys may be written in any case. This document is generated from the code.
"""


def document() -> Part:
    """Return the whole document."""
    found, heard = all_routes(), list(heard_events())
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "flow-manager", "version": __version__, "description": INTRODUCTION},
        "defaultContentType": JSON_TYPE,
        "channels": channels(found, heard),
        "operations": {**requests(found), **sent_events(), **read_events(heard)},
        "components": {"messages": messages(found, heard), "schemas": schemas(found)},
    }


def reference(*path: str) -> Part:
    """Return a reference inside the document."""
    return {"$ref": "#/" + "/".join(path)}


# ---- channels


def channels(found: Iterable[Route], heard: Iterable[Heard]) -> Part:
    """Return where messages go: queues and exchanges."""
    names = [operation_name(one) for one in found]
    own = {
        REQUEST: channel(NAMES.request, "Requests to flow-manager.", names, queue=True),
        ANSWER: channel(None, "Answers, wherever the caller awaits them.", [*map(answer_name, names), "error"]),
        EVENT: channel(NAMES.event, "Events of flow-manager: a fanout exchange.", list(PUBLISHED)),
    }
    here = [heard_name(one) for one in heard if not comes_by_exchange(one)]
    inbox = {INBOX: channel(NAMES.event, "Events that are sent to flow-manager's own queue.", here, queue=True)}
    return {**own, **inbox, **{f"{source}_events": one for source, one in peer_channels(heard)}}


def peer_channels(heard: Iterable[Heard]) -> Iterable[tuple[str, Part]]:
    """Yield the exchanges of other managers that we listen to."""
    by_source: dict[str, list[str]] = {}
    for one in filter(comes_by_exchange, heard):
        by_source.setdefault(one.source, []).append(heard_name(one))
    for source, names in by_source.items():
        yield source, channel(NAMES.event_exchange(source), f"Events of {source}-manager: a fanout exchange.", names)


def channel(address: str | None, description: str, names: Iterable[str], *, queue: bool = False) -> Part:
    """Return a channel and the messages that it carries."""
    carried = {name: reference("components", "messages", name) for name in names}
    made: Part = {"address": address, "description": description, "messages": carried}
    return {**made, "bindings": {"amqp": binding(address, queue=queue)}} if address else made


def binding(address: str, *, queue: bool) -> Part:
    """Return how a channel is declared on the broker."""
    if queue:
        made = {"name": address, "durable": True, "exclusive": False, "autoDelete": False}
        return {"is": "queue", "queue": made, "bindingVersion": "0.3.0"}
    exchange = {"name": address, "type": "fanout", "durable": True, "autoDelete": False}
    return {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}


# ---- operations


def requests(found: Iterable[Route]) -> Part:
    """Return what can be asked."""
    return {operation_name(one): request(one) for one in found}


def request(one: Route) -> Part:
    """Return a request and where its answer goes."""
    name = operation_name(one)
    answers = [carried(ANSWER, answer_name(name)), carried(ANSWER, "error")]
    return {
        "action": "receive",
        "channel": reference("channels", REQUEST),
        "title": f"{one.method} {readable(one.template)}",
        "summary": sentence_of(one.handle),
        "messages": [carried(REQUEST, name)],
        "reply": {
            "address": {"location": "$message.header#/reply_to"},
            "channel": reference("channels", ANSWER),
            "messages": answers,
        },
    }


def carried(channel_name: str, message: str) -> Part:
    """Return a reference to a message of a channel."""
    return reference("channels", channel_name, "messages", message)


def sent_events() -> Part:
    """Return the events that we send."""
    return {name: sent_event(name, summary) for name, (_, summary) in PUBLISHED.items()}


def sent_event(name: str, summary: str) -> Part:
    """Return an event that we send."""
    here = reference("channels", EVENT)
    return {"action": "send", "channel": here, "summary": summary, "messages": [carried(EVENT, name)]}


def read_events(heard: Iterable[Heard]) -> Part:
    """Return the events that we read."""
    found = {}
    for one in heard:
        place = f"{one.source}_events" if comes_by_exchange(one) else INBOX
        found[f"on_{heard_name(one)}"] = {
            "action": "receive",
            "channel": reference("channels", place),
            "summary": one.meaning,
            "messages": [carried(place, heard_name(one))],
        }
    return found


# ---- messages


def messages(found: Iterable[Route], heard: Iterable[Heard]) -> Part:
    """Return the form of every message."""
    made: Part = {}
    for one in found:
        name = operation_name(one)
        made[name] = message(name, f"{one.method} {readable(one.template)}", request_form(one))
        made[answer_name(name)] = message(answer_name(name), "The answer.", answer_form(one))
    made["error"] = message("error", "The request was refused.", reference("components", "schemas", "error"))
    for name, (record, summary) in PUBLISHED.items():
        made[name] = message(name, summary, event_form(name, PUBLISHER, reference("components", "schemas", record)))
    for event in heard:
        made[heard_name(event)] = message(heard_name(event), event.meaning, heard_form(event))
    return made


def message(name: str, summary: str, payload: Part) -> Part:
    """Return a message."""
    return {"name": name, "summary": summary, "contentType": JSON_TYPE, "payload": payload}


def request_form(one: Route) -> JsonSchema:
    """Return the envelope of a request."""
    data = {"data": data_form(one)} if one.form or one.filters else {}
    uri = {"type": "string", "pattern": uri_pattern(one), "examples": [readable(one.template)]}
    properties = {"uri": uri, "method": {"const": one.method}, "data_type": TEXT, "publisher": TEXT, "request_id": TEXT}
    return {"type": "object", "required": ["uri", "method"], "properties": {**properties, **data}}


def data_form(one: Route) -> JsonSchema:
    """Return what a request says."""
    if one.form is None:
        return {"type": ["object", "null"], "description": "Filters: fields of the record and their values."}
    return reference("components", "schemas", one.form.__name__)


def answer_form(one: Route) -> JsonSchema:
    """Return the envelope of a good answer."""
    properties: JsonSchema = {"status_code": {"const": 200}, "data_type": {"const": JSON_TYPE}}
    if not one.answer:
        return {"type": "object", "required": ["status_code"], "properties": properties}
    return {
        "type": "object",
        "required": ["status_code", "data"],
        "properties": {**properties, "data": answered(one.answer)},
    }


def answered(name: str) -> JsonSchema:
    """Return the record of an answer, or one of several, or a list of such."""
    found = [reference("components", "schemas", one) for one in name.removesuffix("[]").split("|")]
    record = found[0] if len(found) == 1 else {"anyOf": found}
    return {"type": "array", "items": record} if name.endswith("[]") else record


def event_form(kind: str, publisher: str, data: JsonSchema) -> JsonSchema:
    """Return the envelope of an event."""
    properties = {
        "type": {"const": kind},
        "publisher": {"const": publisher},
        "data_type": {"const": JSON_TYPE},
        "data": data,
    }
    return {"type": "object", "required": ["type", "data"], "properties": properties}


def heard_form(event: Heard) -> JsonSchema:
    """Return an event of another manager: only what is looked at."""
    data = {"type": "object", "properties": {name: {} for name in event.fields}}
    return event_form(event.name, f"{event.source}-manager", data)


# ---- schemas


def schemas(found: Iterable[Route]) -> Part:
    """Return the forms of bodies, and the records of answers and events."""
    forms: dict[str, type[Form]] = {one.form.__name__: one.form for one in found if one.form}
    bodies = {name: form_schema(form) for name, form in sorted(forms.items())}
    return {**bodies, **record_schemas(), "error": error_form()}


def error_form() -> JsonSchema:
    """Return the envelope of a refusal."""
    known = refusals()
    body = {
        "type": "object",
        "required": ["status", "reason", "domain", "message"],
        "properties": {
            "status": {"type": "string", "examples": sorted({one.status for one in known})},
            "reason": {"type": "string", "examples": [one.reason for one in known]},
            "domain": {"type": "string", "description": "Who refused: another manager's error is passed on."},
            "message": TEXT,
            "details": {"type": "array", "items": {"type": "object"}},
        },
    }
    codes = {"type": "integer", "minimum": 300, "maximum": 599}
    properties = {"status_code": codes, "data_type": {"const": ERROR_TYPE}, "data": body}
    return {"type": "object", "required": ["status_code", "data"], "properties": properties}


# ---- names


def answer_name(operation: str) -> str:
    """Return the name of the answer to a request."""
    return f"{operation}_answer"


def heard_name(event: Heard) -> str:
    """Return the name of an event of another manager."""
    return f"{event.source}_{plain(event.name)}"


def readable(template: str) -> str:
    """Return a URI as people write it: `/v1/flows/<flow_id>`."""
    return re.sub(r"\{(\w+):\w+\}", r"<\1>", template)


def uri_pattern(one: Route) -> str:
    """Return the pattern of a URI; only lists have a query."""
    parts = re.split(r"\{\w+:(\w+)\}", one.template)
    texts = [part if number % 2 == 0 else SEGMENTS[part] for number, part in enumerate(parts)]
    return "^" + "".join(texts) + (r"(\?.*)?$" if one.filters else "$")
