"""A customer is gone: everything of theirs is ended and deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from flowmanager.core.activeflow import EndedReason
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.errors import FlowManagerError, StoreLost
from flowmanager.orchestrator.claims import locked
from flowmanager.orchestrator.engine import Work
from flowmanager.orchestrator.flows import FlowStore
from flowmanager.orchestrator.lifecycle import Lifecycle
from flowmanager.ports import Page, Transaction

log = structlog.get_logger()

BATCH = 50
"""Records read, and published of, at a time: a customer may have more than the memory holds."""

Remove = Callable[[Work, Id], object]
Complete = Callable[[Work], None]


@frozen(kw_only=True)
class Customers:
    """Deletes what belongs to a customer who is gone."""

    lifecycle: Lifecycle
    flows: FlowStore

    def remove(self, work: Work, customer_id: Id, complete: Complete) -> None:
        """End and delete the activeflows, then delete the flows; `complete` publishes the events of each batch.

        Activeflows go first, so that none of them starts anything from a flow that is gone. Each record has a
        transaction of its own: when the event comes again, after a crash or without reason, what is left is done.
        Raises BrokerLost and StoreLost.
        """
        counts = {
            "activeflows": self.each(work, partial(activeflow_ids, customer_id), self.remove_activeflow, complete),
            "flows": self.each(work, partial(flow_ids, customer_id), self.flows.delete, complete),
        }
        log.info("customer_removed", customer_id=customer_id, **counts)

    def each(self, work: Work, find: Callable[[int, Transaction], list[Id]], remove: Remove, complete: Complete) -> int:
        """Remove one record after the other until none is left; return how many. One that fails is left."""
        removed, failed = 0, set[Id]()
        while found := [one for one in work.commit(partial(find, BATCH + len(failed))) if one not in failed]:
            failed |= {one for one in found if not self.attempt(work, one, remove)}
            removed += len(found)
            complete(work)
        return removed - len(failed)

    def attempt(self, work: Work, record_id: Id, remove: Remove) -> bool:
        """Remove one record; say whether that was possible. Raises StoreLost."""
        # Without the event's identity: the record itself tells whether it is deleted, no answer need be kept for that.
        part = Work(work.engine, work.rpc)
        try:
            remove(part, record_id)
        except StoreLost:
            raise
        except FlowManagerError as error:
            log.error("removal_failed", id=record_id, error=str(error))
            return False
        work.join(part)
        return True

    def remove_activeflow(self, work: Work, activeflow_id: Id) -> None:
        """End and delete one activeflow."""
        work.commit(partial(self.removed, work, activeflow_id))

    def removed(self, work: Work, activeflow_id: Id, transaction: Transaction) -> None:
        """End and delete one activeflow inside a transaction."""
        flow = locked(transaction, activeflow_id)
        self.lifecycle.hidden(work, flow, EndedReason.CUSTOMER_DELETED, transaction)


def activeflow_ids(customer_id: Id, size: int, transaction: Transaction) -> list[Id]:
    """Return activeflows of a customer that are not deleted."""
    return [flow.id for flow in transaction.list_activeflows(page_of(customer_id, size))]


def flow_ids(customer_id: Id, size: int, transaction: Transaction) -> list[Id]:
    """Return flows of a customer that are not deleted."""
    return [flow.id for flow in transaction.list_flows(page_of(customer_id, size))]


def page_of(customer_id: Id, size: int) -> Page:
    """Return which records of a customer to list."""
    return Page(size=size, filters={"customer_id": customer_id, "deleted": False})
