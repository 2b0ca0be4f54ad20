"""Lists: page tokens and filters as SQL conditions. Newest rows come first, and rows of the same moment by id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, and_, or_, select

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import InvalidRequest
from flowmanager.ports import Page
from flowmanager.store.columns import IdColumn
from flowmanager.store.statements import SELECT_ACTIVEFLOWS
from flowmanager.store.tables import activeflows, flows

Condition = ColumnElement[bool]
Record = TypeVar("Record", Flow, Activeflow)

EARLIEST = datetime.min.replace(tzinfo=UTC)

FLOW_FILTERS = frozenset(
    {"id", "customer_id", "type", "name", "detail", "direct_id", "direct_hash", "on_complete_flow_id"}
)
ACTIVEFLOW_FILTERS = frozenset(
    {
        "id",
        "customer_id",
        "flow_id",
        "status",
        "state",
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


@frozen
class Listing:
    """A list: which rows of a table are in it, and which columns may be filtered by."""

    rows: Select[Any]
    table: Table
    filters: frozenset[str]
    conditions: tuple[Condition, ...] = ()


FLOWS = Listing(select(flows), flows, FLOW_FILTERS, (flows.c.persist.is_(True),))
ACTIVEFLOWS = Listing(SELECT_ACTIVEFLOWS, activeflows, ACTIVEFLOW_FILTERS)


def rows_of(listing: Listing, page: Page) -> Select[Any]:
    """Return the query for the rows of a page, in no order. Raises InvalidRequest for a token or a filter.

    Only ids are sorted in the database: MySQL gives up (error 1038) when it has to sort rows with large JSON.
    """
    table = listing.table
    conditions = [filter_condition(listing, key, value) for key, value in page.filters.items()]
    if page.token:
        conditions.append(token_condition(table, page.token))
    chosen = select(table.c.id).where(*listing.conditions, *conditions).limit(page.size)
    ids = chosen.order_by(table.c.tm_create.desc(), table.c.id.desc()).subquery("page")
    return listing.rows.join(ids, ids.c.id == table.c.id)


def newest_first(records: Iterable[Record]) -> list[Record]:
    """Return the records of a page in their order; those without a time come last."""
    return sorted(records, key=lambda record: (record.tm_create or EARLIEST, record.id), reverse=True)


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


def filter_condition(listing: Listing, key: str, value: Any) -> Condition:
    """Return the condition of one filter."""
    if key == DELETED:
        column = listing.table.c.tm_delete
        return column.is_not(None) if deleted_value(value) else column.is_(None)
    if key not in listing.filters:
        raise InvalidRequest(f"the filter {key} is not known", filter=key)
    if not isinstance(value, str):
        raise invalid(key, "a text")
    column = listing.table.c[key]
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
