"""Stored flows: create, read, list, change, delete, and their direct hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import structlog

from flowmanager.checker import ActionChecker
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import (
    ActionNotFound,
    BrokerLost,
    FlowLimit,
    FlowManagerError,
    FlowNotFound,
    PeerError,
    PeerFailure,
)
from flowmanager.managers.managers import Managers
from flowmanager.managers.temporary_flows import LIFETIME
from flowmanager.orchestrator.claims import check_new
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.events import flow_message
from flowmanager.orchestrator.validator import Validator
from flowmanager.ports import Page, Transaction
from flowmanager.schemas.wire import Wire, action_wire, flow_wire, without_empty

log = structlog.get_logger()

DIRECT_TYPE = "flow"
"""Flows of this type get a direct hash when they are stored."""


class DirectFailed(FlowManagerError):
    """direct-manager could not give the flow a direct hash."""

    reason = "DIRECT_FAILED"


Forms = Sequence[Mapping[str, Any]]
"""The loaded forms of a flow's actions."""


@frozen
class Given:
    """What replaces parts of a flow, and the forms that its actions were made of."""

    changes: Mapping[str, Any]
    forms: Forms


@frozen
class Change:
    """What was done with a flow; `forms` where its actions are new."""

    operation: str
    flow: Flow
    forms: Forms | None = None


@frozen
class FlowStore:
    """The templates that activeflows are started from."""

    engine: Engine
    actions: ActionChecker
    validator: Validator

    def create(self, work: Work, form: Mapping[str, Any]) -> Wire:
        """Store a flow: for good with `persist`, else for a day. Raises InvalidRequest and its kinds, FlowLimit."""
        flow = Flow(
            id=self.engine.ids.new(),
            customer_id=form["customer_id"],
            type=form["type"],
            name=form["name"],
            detail=form["detail"],
            persist=bool(form["persist"]),
            actions=self.actions.check(form["actions"]),
            on_complete_flow_id=form["on_complete_flow_id"],
            on_drop_flow_id=form["on_drop_flow_id"],
        )
        if flow.persist:
            flow = work.look(partial(self.prepared, work, flow))
        if flow.persist and flow.type == DIRECT_TYPE:
            flow = self.with_direct(work, flow)
        return work.commit(partial(self.insert, work, flow, form["actions"]))

    def prepared(self, work: Work, flow: Flow, transaction: Transaction) -> Flow:
        """Return a flow that may be stored. Raises FlowLimit; Answered before direct-manager would be asked again."""
        if transaction.count_flows(flow.customer_id) >= self.engine.max_flows:
            raise FlowLimit(customer_id=flow.customer_id, limit=self.engine.max_flows)
        if flow.type != DIRECT_TYPE or not work.key:
            return flow
        check_new(work, transaction)
        # Handled again after a crash, the request speaks of the same flow as before: direct-manager knows it by its id.
        flow_id = str(uuid5(NAMESPACE_OID, f"{work.key}:flow"))
        return flow if transaction.get_flow(flow_id) else flow.evolve(id=flow_id)

    def with_direct(self, work: Work, flow: Flow) -> Flow:
        """Return the flow with a direct hash; without one when direct-manager fails, as it can be had later."""
        try:
            direct = self.managers(work).direct.create(flow.customer_id, flow.id)
        except BrokerLost:
            raise
        except FlowManagerError as error:
            log.warning("direct_create_failed", flow_id=flow.id, error=str(error))
            return flow
        return flow.evolve(direct_id=direct.id, direct_hash=direct.hash)

    def insert(self, work: Work, flow: Flow, forms: Forms, transaction: Transaction) -> Wire:
        """Store a new flow inside a transaction."""
        now = transaction.now()
        stored = flow.evolve(tm_create=now, tm_expire=None if flow.persist else now + LIFETIME)
        transaction.insert_flow(stored)
        return self.tell(work, Change("create", stored, forms), transaction)

    def tell(self, work: Work, change: Change, transaction: Transaction) -> Wire:
        """Put the event of a change into the outbox, count it, and answer with the flow and what is wrong with it."""
        flow = change.flow
        warnings = [] if change.forms is None else self.validator.warnings(transaction, flow, change.forms)
        transaction.add_messages([flow_message(self.engine.ids, f"flow_{change.operation}d", flow)])
        work.draft.touched.append(flow.id)
        work.draft.notes.append(self.engine.metrics.flow_crud.labels(change.operation).inc)
        shown = without_empty({**flow_wire(flow), "warnings": warnings}, "warnings")
        work.answer(transaction, shown)
        return shown

    def get(self, work: Work, flow_id: Id) -> Wire:
        """Show a flow. Raises FlowNotFound."""
        return flow_wire(self.read(work, flow_id))

    def read(self, work: Work, flow_id: Id) -> Flow:
        """Return a flow. Raises FlowNotFound."""
        flow = work.look(lambda transaction: transaction.get_flow(flow_id))
        if flow is None:
            raise FlowNotFound(flow_id=flow_id)
        return flow

    def action(self, work: Work, flow_id: Id, action_id: Id) -> Wire:
        """Show one action as it was stored. Raises FlowNotFound and ActionNotFound."""
        flow = self.read(work, flow_id)
        found = next((action for action in flow.actions if action.id == action_id), None)
        if found is None:
            raise ActionNotFound(flow_id=flow_id, action_id=action_id)
        return action_wire(found)

    def list(self, work: Work, page: Page) -> list[Wire]:
        """Show a part of all stored flows."""
        flows = work.look(lambda transaction: transaction.list_flows(page))
        return [flow_wire(flow) for flow in flows]

    def count(self, work: Work, customer_id: Id) -> int:
        """Count a customer's stored flows."""
        return work.look(lambda transaction: transaction.count_flows(customer_id))

    def update(self, work: Work, flow_id: Id, form: Mapping[str, Any]) -> Wire:
        """Replace name, detail, actions and on-complete flow. Raises FlowNotFound, InvalidRequest."""
        changes = {name: form[name] for name in ("name", "detail", "on_complete_flow_id", "on_drop_flow_id")}
        return self.replace(work, flow_id, changes, form["actions"])

    def update_actions(self, work: Work, flow_id: Id, forms: Forms) -> Wire:
        """Replace the actions. Raises FlowNotFound, InvalidRequest."""
        return self.replace(work, flow_id, {}, forms)

    def replace(self, work: Work, flow_id: Id, changes: Mapping[str, Any], forms: Forms) -> Wire:
        """Replace the actions, and what else is given."""
        given = Given({**changes, "actions": self.actions.check(forms)}, forms)
        return work.commit(partial(self.changed, work, flow_id, given))

    def changed(self, work: Work, flow_id: Id, given: Given, transaction: Transaction) -> Wire:
        """Change a flow inside a transaction."""
        flow = locked_flow(transaction, flow_id).evolve(**given.changes, tm_update=transaction.now())
        transaction.update_flow(flow)
        return self.tell(work, Change("update", flow, given.forms), transaction)

    def delete(self, work: Work, flow_id: Id) -> Wire:
        """Hide a flow; a deleted one stays as it is. Its direct hash is given back. Raises FlowNotFound."""
        shown = work.commit(partial(self.deleted, work, flow_id))
        if work.done.touched and shown["direct_id"] != NIL:
            work.afterwards.append(partial(self.drop_direct, work, flow_id, shown["direct_id"]))
        return shown

    def deleted(self, work: Work, flow_id: Id, transaction: Transaction) -> Wire:
        """Delete a flow inside a transaction; a temporary one expires at once."""
        flow = locked_flow(transaction, flow_id)
        if flow.tm_delete is not None:
            shown = flow_wire(flow)
            work.answer(transaction, shown)
            return shown
        now = transaction.now()
        flow = flow.evolve(tm_delete=now, tm_update=now)
        transaction.update_flow(flow)
        return self.tell(work, Change("delete", flow), transaction)

    def drop_direct(self, work: Work, flow_id: Id, direct_id: Id) -> None:
        """Give a direct hash back."""
        Managers.of(work.rpc, self.engine.store, f"{flow_id}:direct-delete").direct.delete(direct_id)

    def regenerate(self, work: Work, flow_id: Id) -> Wire:
        """Give a flow a new direct hash. Raises FlowNotFound, direct-manager's own error, DirectFailed."""
        work.look(partial(check_new, work))
        flow = self.read(work, flow_id)
        client, known = self.managers(work).direct, flow.direct_id != NIL
        try:
            direct = client.regenerate(flow.direct_id) if known else client.create(flow.customer_id, flow.id)
        except PeerFailure as error:
            if isinstance(error, PeerError) and error.typed:
                raise
            raise DirectFailed(flow_id=flow_id) from error
        changes = {"direct_id": direct.id, "direct_hash": direct.hash}
        return work.commit(partial(self.with_new_direct, work, flow_id, changes))

    def with_new_direct(self, work: Work, flow_id: Id, changes: Mapping[str, Any], transaction: Transaction) -> Wire:
        """Store a new direct hash inside a transaction."""
        flow = locked_flow(transaction, flow_id).evolve(**changes, tm_update=transaction.now())
        transaction.update_flow(flow)
        shown = flow_wire(flow)
        work.answer(transaction, shown)
        return shown

    def managers(self, work: Work) -> Managers:
        """Return the clients for one request about a flow."""
        return Managers.of(work.rpc, self.engine.store, work.key or self.engine.ids.new())


def locked_flow(transaction: Transaction, flow_id: Id) -> Flow:
    """Lock a flow. Raises FlowNotFound."""
    flow = transaction.lock_flow(flow_id)
    if flow is None:
        raise FlowNotFound(flow_id=flow_id)
    return flow
