"""The life of an activeflow from outside: create, read, list, stop, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import partial
from typing import Any

from flowmanager.core import machine
from flowmanager.core.activeflow import Activeflow, EndedReason, ReferenceType
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.core.machine import Change, Moment
from flowmanager.core.stacks import StackMap
from flowmanager.core.variables import Variables, initial
from flowmanager.errors import ActiveflowNotFound, AlreadyExists, ChainLimit, FlowNotFound, InvalidRequest
from flowmanager.orchestrator import record
from flowmanager.orchestrator.claims import locked
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.flow_stack import FlowStack
from flowmanager.orchestrator.known_answers import KnownAnswers
from flowmanager.orchestrator.succession import own_variables, too_deep
from flowmanager.ports import Page, Transaction
from flowmanager.schemas.envelopes import encode_answer
from flowmanager.schemas.overview_wire import overview_wire
from flowmanager.schemas.wire import Wire, activeflow_wire, detail_wire, stacks_wire

SAME_ON_REPEAT = ("customer_id", "flow_id", "reference_type", "reference_id")
"""What a creation with an id that exists must agree in to be a harmless repeat."""


@frozen
class Lifecycle:
    """Creates, shows and ends activeflows."""

    engine: Engine
    flow_stack: FlowStack
    known: KnownAnswers = field(default_factory=KnownAnswers)

    def create(self, work: Work, form: Mapping[str, Any]) -> Wire:
        """Create an activeflow; the same creation again gives the record that is there.

        Raises FlowNotFound, InvalidRequest for another customer's flow, AlreadyExists, ChainLimit.
        """
        try:
            return work.commit(partial(self.insert, work, form))
        except (AlreadyExists, FlowNotFound, InvalidRequest, ChainLimit):
            # Whatever stands against a new one, the same creation again is harmless.
            return work.commit(partial(self.insert_or_show, work, form))

    def insert_or_show(self, work: Work, form: Mapping[str, Any], transaction: Transaction) -> Wire:
        """Show the activeflow that an earlier creation made, else create it."""
        existing = transaction.get_activeflow(form["id"]) if form["id"] != NIL else None
        if existing is not None:
            return self.repeated(work, form, existing, transaction)
        return self.insert(work, form, transaction)

    def insert(self, work: Work, form: Mapping[str, Any], transaction: Transaction) -> Wire:
        """Create an activeflow inside a transaction, without looking whether there is one."""
        template = self.template(form, transaction)
        parent = self.parent(form, transaction)
        made, rejected = self.made(form, template, parent, transaction)
        record.insert(transaction, work, made)
        self.flow_stack.enter(work, made, transaction)
        outcome = rejected or ("accepted" if form["variables"] else "")
        if outcome:
            work.draft.notes.append(self.engine.metrics.variable_injection.labels(outcome).inc)
        shown = activeflow_wire(made, ())
        if rejected:
            shown["variables_rejected"] = rejected
        work.answer(transaction, shown)
        return shown

    def repeated(self, work: Work, form: Mapping[str, Any], existing: Activeflow, transaction: Transaction) -> Wire:
        """Show the record that an earlier creation made. Raises AlreadyExists when it was another one."""
        differing = [name for name in SAME_ON_REPEAT if getattr(existing, name) != form[name]]
        if differing:
            raise AlreadyExists("an activeflow with this id exists", id=existing.id, differing=differing)
        shown = self.shown(existing, transaction)
        work.answer(transaction, shown)
        return shown

    def template(self, form: Mapping[str, Any], transaction: Transaction) -> Flow:
        """Return the flow to run; no flow id: an empty one."""
        if form["flow_id"] == NIL:
            return Flow(id=NIL, customer_id=form["customer_id"])
        flow = transaction.get_flow(form["flow_id"])
        if flow is None:
            raise FlowNotFound(flow_id=form["flow_id"])
        if flow.customer_id != form["customer_id"]:
            raise InvalidRequest("customer_id: the flow belongs to another customer", path="customer_id")
        return flow

    def parent(self, form: Mapping[str, Any], transaction: Transaction) -> Activeflow | None:
        """Return the activeflow whose variables are inherited."""
        parent_id = form["reference_activeflow_id"]
        parent = transaction.get_activeflow(parent_id) if parent_id != NIL else None
        if parent is None:
            return None
        if parent.customer_id != form["customer_id"]:
            raise InvalidRequest("reference_activeflow_id: belongs to another customer", path="reference_activeflow_id")
        if too_deep(self.engine, parent):
            raise ChainLimit(activeflow_id=parent.id, depth=parent.complete_count + 1)
        return parent

    def made(
        self, form: Mapping[str, Any], template: Flow, parent: Activeflow | None, transaction: Transaction
    ) -> tuple[Activeflow, str | None]:
        """Return the new activeflow and why its given variables were left out, if they were."""
        made = Activeflow(
            id=form["id"] if form["id"] != NIL else self.engine.ids.new(),
            customer_id=form["customer_id"],
            flow_id=form["flow_id"],
            reference_type=ReferenceType(form["reference_type"]),
            reference_id=form["reference_id"],
            reference_activeflow_id=form["reference_activeflow_id"],
            on_complete_flow_id=template.on_complete_flow_id,
            on_drop_flow_id=template.on_drop_flow_id,
            webhook_uri=form["webhook_uri"],
            webhook_method=form["webhook_method"],
            stacks=StackMap.of(template.actions),
            complete_count=parent.complete_count + 1 if parent else 0,
            tm_create=transaction.now(),
        )
        inherited: Variables = parent.variables if parent else {}
        own = own_variables(made)
        variables, rejected = initial(inherited, form["variables"], own, limits=self.engine.limits)
        return made.evolve(variables=variables), rejected

    def get(self, work: Work, activeflow_id: Id) -> None:
        """Show an activeflow with its variables and history. Raises ActiveflowNotFound."""
        work.show(work.look(partial(self.detail, activeflow_id)))

    def detail(self, activeflow_id: Id, transaction: Transaction) -> bytes:
        """Return the answer that shows an activeflow: the one before, if nothing has changed since."""
        known = self.known.get(activeflow_id, transaction.unchanged)
        if known is not None:
            return known
        shown = transaction.get_with_steps(activeflow_id)
        if shown is None:
            raise ActiveflowNotFound(activeflow_id=activeflow_id)
        body = encode_answer(detail_wire(*shown))
        self.known.note(shown[0], body)
        return body

    def stacks(self, work: Work, activeflow_id: Id) -> list[Wire]:
        """Show the frames from the main one to the cursor. Raises ActiveflowNotFound."""
        return work.look(lambda transaction: stacks_wire(found(transaction, activeflow_id)))

    def overview(self, work: Work, page: Page) -> list[Wire]:
        """Show where a part of all activeflows stand; their histories are not read."""

        def read(transaction: Transaction) -> list[Wire]:
            now = transaction.now()
            return [overview_wire(flow, now) for flow in transaction.list_activeflows(page)]

        return work.look(read)

    def list(self, work: Work, page: Page) -> list[Wire]:
        """Show a part of all activeflows."""

        def read(transaction: Transaction) -> list[Wire]:
            flows = transaction.list_activeflows(page)
            steps = transaction.get_steps([flow.id for flow in flows]) if flows else {}
            return [activeflow_wire(flow, steps.get(flow.id, ())) for flow in flows]

        return work.look(read)

    def stop(self, work: Work, activeflow_id: Id, reason: EndedReason = EndedReason.STOP_REQUEST) -> Wire:
        """End an activeflow; one that has ended stays as it is. Raises ActiveflowNotFound."""
        return work.commit(partial(self.stopped, work, activeflow_id, reason))

    def stopped(self, work: Work, activeflow_id: Id, reason: EndedReason, transaction: Transaction) -> Wire:
        """End an activeflow inside a transaction."""
        flow = self.ended(work, locked(transaction, activeflow_id), reason, transaction)
        shown = self.shown(flow, transaction)
        work.answer(transaction, shown)
        return shown

    def ended(self, work: Work, flow: Activeflow, reason: EndedReason, transaction: Transaction) -> Activeflow:
        """Return the activeflow, ended. What runs for it now is superseded: its fence is raised."""
        if flow.over:
            return flow
        moment = Moment(transaction.now(), reason.value)
        unreported = record.untold(transaction, flow)
        change = machine.end(flow, reason, moment)
        raised = change.flow.evolve(fence=flow.fence + 1, turn=None)
        return record.save(transaction, work, Change(raised, change.steps), unreported=unreported)

    def delete(self, work: Work, activeflow_id: Id) -> Wire:
        """Stop an activeflow if it runs and hide it; a deleted one stays as it is. Raises ActiveflowNotFound."""
        return work.commit(partial(self.deleted, work, activeflow_id))

    def deleted(self, work: Work, activeflow_id: Id, transaction: Transaction) -> Wire:
        """Delete an activeflow inside a transaction."""
        flow = self.hidden(work, locked(transaction, activeflow_id), EndedReason.DELETED, transaction)
        shown = self.shown(flow, transaction)
        work.answer(transaction, shown)
        return shown

    def hidden(self, work: Work, flow: Activeflow, reason: EndedReason, transaction: Transaction) -> Activeflow:
        """Return the activeflow, ended and hidden; a deleted one stays as it is."""
        if flow.tm_delete is not None:
            return flow
        flow = self.ended(work, flow, reason, transaction)
        now = transaction.now()
        flow = flow.evolve(tm_delete=now, tm_update=now)
        transaction.save_activeflow(flow)
        record.tell(transaction, work, "activeflow_deleted", flow, ())
        return flow

    def shown(self, flow: Activeflow, transaction: Transaction) -> Wire:
        """Show a record with its history."""
        return activeflow_wire(flow, transaction.get_steps([flow.id]).get(flow.id, ()))


def found(transaction: Transaction, activeflow_id: Id) -> Activeflow:
    """Read an activeflow. Raises ActiveflowNotFound."""
    flow = transaction.get_activeflow(activeflow_id)
    if flow is None:
        raise ActiveflowNotFound(activeflow_id=activeflow_id)
    return flow
