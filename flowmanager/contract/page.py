"""The page of all messages, for people: every request with its data and answer, every event, every error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from flowmanager.contract.asyncapi import readable, schemas
from flowmanager.contract.parts import PUBLISHED, Heard, all_routes, comes_by_exchange, heard_events, refusals
from flowmanager.contract.tables import GENERATED, field_rows, table, words
from flowmanager.route import MAX_PAGE_SIZE, Route
from flowmanager.schemas.json_schema import JsonSchema, sentence_of
from flowmanager.schemas.records import record_schemas
from flowmanager.transport.names import NAMES

BEGINNING = f"""\
{GENERATED}
# Messages

Every request that flow-manager answers, every event that it sends, every event that it reads. The same for programs is
[asyncapi.yaml](../asyncapi.yaml); the types of actions are in [actions.md](actions.md).

[Requests](#requests) · [Records](#records) · [Errors](#errors) · [Events sent](#events-sent) ·
[Events read](#events-read)

## Requests

A request is a JSON object on the queue `{NAMES.request}`: `uri`, `method`, `data`, and if wanted
`publisher` (who asks) and `request_id` (sent again under the same one it gets the first answer again). The answer goes
to the message's `reply_to` with its `correlation_id`: `status_code` 200 and `data`, or an [error](#errors). Unknown
fields are ignored, null means absent. An absent field has the default of the table, else it is empty.
"""
LISTS = f"Filters: any fields of the record. In the URI: `page_size` (at most {MAX_PAGE_SIZE}) and `page_token`."


def messages_page() -> str:
    """Return the page as Markdown."""
    lines = [BEGINNING]
    found = all_routes()
    forms = schemas(found)
    for one in sorted(found, key=lambda route: route.template):
        lines += request_part(one, forms)
    lines += ["## Records", ""]
    for name, schema in record_schemas().items():
        lines += record_part(name, schema)
    return "\n".join([*lines, *error_part(), *sent_part(), *read_part()]).rstrip() + "\n"


def request_part(one: Route, forms: JsonSchema) -> Iterator[str]:
    """Yield what is told of a request."""
    yield from (f"### `{one.method} {readable(one.template)}`", "", sentence_of(one.handle), "")
    if one.form and not forms[one.form.__name__]["properties"]:
        yield from (f"data: {sentence_of(one.form)}", "")
    elif one.form:
        yield from (*table(("data", "", "default", "meaning"), field_rows(forms[one.form.__name__])), "")
    elif one.answer.endswith("[]") and one.filters:
        yield from (LISTS, "")
    yield from (f"Answer: {answer_words(one.answer)}.", "")


def answer_words(name: str) -> str:
    """Return what an answer holds."""
    links = " or ".join(f"[{record}](#{record})" for record in name.removesuffix("[]").split("|"))
    return "no data" if not name else f"list of {links}" if name.endswith("[]") else links


def record_part(name: str, schema: JsonSchema) -> Iterator[str]:
    """Yield what is told of a record."""
    yield from (f"### {name}", "")
    inner = schema.get("items", schema)
    yield from ("Each of the list:", "") if inner is not schema else ()
    always, fields = inner["required"], inner["properties"]
    rows = [
        (f"`{key}`", words(one), "" if key in always else "may be absent", one["description"])
        for key, one in fields.items()
    ]
    yield from (*table(("field", "", "", "meaning"), rows), "")


def error_part() -> Iterator[str]:
    """Yield the errors."""
    yield from ("## Errors", "", "`data` of an error: `status`, `reason`, `domain`, `message`, and `details` if any.")
    yield from ("An error of another manager may be passed on: `domain` says whose it is.", "")
    rows = [(f"{one.code}", f"`{one.reason}`", f"`{one.status}`", one.meaning) for one in refusals()]
    yield from (*table(("status_code", "reason", "status", "when"), rows), "")


def sent_part() -> Iterator[str]:
    """Yield our events."""
    yield from ("## Events sent", "", f"To the fanout exchange `{NAMES.event}`: `type`, `publisher`, `data`.")
    yield from ("They come at least once and in order for each record; the AMQP `message_id` tells repeats apart.", "")
    rows = [(f"`{name}`", when, f"[{record}](#{record})") for name, (record, when) in PUBLISHED.items()]
    yield from (*table(("type", "when", "data"), rows), "")


def read_part() -> Iterator[str]:
    """Yield the events of others."""
    yield from ("## Events read", "", "From the exchanges of other managers, or sent to the queue")
    yield from (f"`{NAMES.event}`. Case, `_`, `-` and `.` in a type do not matter.", "")
    rows = list(read_rows(heard_events()))
    yield from (*table(("from", "type", "what it does", "data that is looked at"), rows), "")


def read_rows(heard: Iterable[Heard]) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for the events of one sender that mean the same."""
    for (source, meaning, fields), group in groupby(heard, key=lambda one: (one.source, one.meaning, one.fields)):
        events = list(group)
        sender = f"{source}-manager" if comes_by_exchange(events[0]) else f"`{source}`, to our queue"
        yield sender, " ".join(f"`{one.name}`" for one in events), meaning, " ".join(f"`{name}`" for name in fields)
