"""Lists: page tokens and filters as SQL conditions. Newest rows come first, and rows of the same moment by id."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, or_

from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest
from flowmanager.ports import Page
from flowmanager.store.columns import IdColumn

Condition = ColumnElement[bool]

FLOW_FILTERS = frozenset(
    {"id", "customer_id", "type", "name", "detail", "direct_id", "direct_hash", "on_complete_flow_id"}
)
ACTIVEFLOW_FILTERS = frozenset(
    {
        "id",
        "customer_id",
        "flow_id",
        "status",
        "reference_type",
        "reference_id",
        "reference_activeflow_id",
        "on_complete_flow_id",
        "webhook_uri",
        "webhook_method",
        "current_stack_id",
        "forward_stack_id",
        "forward_action_id",
    }
)
DELETED = "deleted"
TOKEN = re.compile(
    r"(?P<seconds>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?Z"
    r"(?:,(?P<id>[0-9A-Fa-f-]{36}))?"
)


def paged(query: Select[Any], table: Table, page: Page, names: frozenset[str]) -> Select[Any]:
    """Return the query restricted to a page. Raises InvalidRequest for a token or a filter that cannot be used."""
    conditions = [filter_condition(table, names, key, value) for key, value in page.filters.items()]
    if page.token:
        conditions.append(token_condition(table, page.token))
    newest_first = query.order_by(table.c.tm_create.desc(), table.c.id.desc())
    return newest_first.where(*conditions).limit(page.size)


def token_condition(table: Table, token: str) -> Condition:
    """Return the condition for rows older than the token; with an id also those of its moment with a smaller id."""
    moment, last_id = parse_token(token)
    if last_id is None:
        return table.c.tm_create < moment
    # The first half alone gives the index a range; an OR on top would not.
    return and_(table.c.tm_create <= moment, or_(table.c.tm_create < moment, table.c.id < last_id))


def parse_token(token: str) -> tuple[datetime, Id | None]:
    """Return moment and id of a page token. Digits below a microsecond round up, so that no older row is lost."""
    found = TOKEN.fullmatch(token)
    if found is None:
        raise invalid("page_token", "a time like 2006-01-02T15:04:05.000000Z, with `,` and an id or without")
    try:
        seconds = datetime.fromisoformat(found["seconds"]).replace(tzinfo=UTC)
        nanoseconds = int((found["fraction"] or "").ljust(9, "0"))
        moment = seconds + timedelta(microseconds=-(-nanoseconds // 1000))
        return moment, str(UUID(found["id"])) if found["id"] else None
    except (ValueError, OverflowError):
        raise invalid("page_token", "a time that exists") from None


def filter_condition(table: Table, names: frozenset[str], key: str, value: Any) -> Condition:
    """Return the condition of one filter."""
    if key == DELETED:
        column = table.c.tm_delete
        return column.is_not(None) if deleted_value(value) else column.is_(None)
    if key not in names:
        raise InvalidRequest(f"the filter {key} is not known", filter=key)
    if not isinstance(value, str):
        raise invalid(key, "a text")
    column = table.c[key]
    return column == (id_value(key, value) if isinstance(column.type, IdColumn) else value)


def deleted_value(value: Any) -> bool:
    """Return the value of `deleted`: of texts, only `true` means true."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value == "true"
    raise invalid(DELETED, "true or false")


def id_value(key: str, value: str) -> Id:
    """Return the id of a filter; the empty text is the zero id."""
    try:
        return str(UUID(value)) if value else NIL
    except ValueError:
        raise invalid(key, "a uuid") from None


def invalid(key: str, wanted: str) -> InvalidRequest:
    """Return the error for a value that cannot be used."""
    return InvalidRequest(f"{key} must be {wanted}", filter=key)
