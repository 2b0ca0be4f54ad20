"""Flows of another installation: read as it shows them, checked as a request would be, stored under their own ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from marshmallow import ValidationError

from flowmanager.checker import ActionChecker
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL
from flowmanager.errors import AlreadyExists, InvalidRequest
from flowmanager.ports import Transaction
from flowmanager.schemas.envelopes import deeper_than
from flowmanager.schemas.fields import Text, Uuid, Value, loader, paths
from flowmanager.schemas.requests import FlowCreate
from flowmanager.store.sql_store import SqlStore

DEEPEST = 63
"""Levels of a flow: with its envelope, those that the service takes if nothing else is set."""
PLAIN = ("customer_id", "type", "name", "detail", "on_complete_flow_id", "on_drop_flow_id")


class Moment(Value):
    """A time as answers have it."""

    def read(self, value: Any) -> datetime:
        """Return it in UTC."""
        try:
            found = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError("Not a time such as 2026-05-04T07:08:09.1Z.") from None
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


class StoredFlow(FlowCreate):
    """A flow as `GET /v1/flows` shows it."""

    id = Uuid()
    direct_id = Uuid()
    direct_hash = Text()
    tm_create = Moment()
    tm_update = Moment()
    tm_delete = Moment()


@frozen
class Taken:
    """A flow that was read, or what is wrong with it. Neither: it was deleted there."""

    place: str
    flow: Flow | None
    faults: tuple[str, ...] = ()


def read_flows(document: Any, source: str, checker: ActionChecker) -> Iterator[Taken]:
    """Yield the flows of a JSON value: one flow, or a list of them."""
    many = isinstance(document, list)
    for number, one in enumerate(document if many else [document], 1):
        name = one.get("id", "") if isinstance(one, Mapping) else ""
        yield read_flow(one, f"{source}: flow {number} {name}".rstrip() if many else source, checker)


def read_flow(document: Any, place: str, checker: ActionChecker) -> Taken:
    """Return a flow with everything that a request would be refused for."""
    if not isinstance(document, Mapping) or deeper_than(document, DEEPEST):
        return Taken(place, None, ("not a flow: an object with id, customer_id and actions",))
    try:
        form = loader(StoredFlow).load(document)
    except ValidationError as error:
        return Taken(place, None, tuple(f"{path}: {told}" for path, told in paths(error.messages)))
    if form["tm_delete"]:
        return Taken(place, None)
    checked = checker.inspect(form["actions"])
    faults = tuple(placed(fault) for fault in checked.faults)
    if form["id"] == NIL:
        faults = ("id: missing; POST /v1/flows stores what has none", *faults)
    if len(form["actions"]) > checker.limit:
        faults = (checker.too_many().sentence, *faults)
    return Taken(place, None if faults else flow_of(form).evolve(actions=checked.actions), faults)


def placed(fault: InvalidRequest) -> str:
    """Return what is wrong, with where."""
    path = str(fault.facts.get("path", ""))
    return fault.sentence if fault.sentence.startswith(path) else f"{path}: {fault.sentence}"


def flow_of(form: Mapping[str, Any]) -> Flow:
    """Return a flow without its actions. It is stored for good; its direct hash stays what direct-manager knows."""
    return Flow(
        id=form["id"],
        persist=True,
        direct_id=form["direct_id"],
        direct_hash=form["direct_hash"],
        tm_create=form["tm_create"],
        tm_update=form["tm_update"],
        **{name: form[name] for name in PLAIN},
    )


def store_flow(store: SqlStore, flow: Flow) -> bool:
    """Store a flow; False: there is one with its id, which stays as it is. Raises StoreLost."""
    try:
        return store.run(partial(insert, flow))
    except AlreadyExists:
        return False


def insert(flow: Flow, transaction: Transaction) -> bool:
    """Store a flow inside a transaction, unless it is there."""
    if transaction.get_flow(flow.id) is not None:
        return False
    transaction.insert_flow(flow if flow.tm_create else flow.evolve(tm_create=transaction.now()))
    return True
