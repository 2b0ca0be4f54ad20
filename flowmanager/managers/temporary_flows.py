"""Temporary flows that actions need for the calls they make: rows of our own store, never a request to ourselves."""

from __future__ import annotations

from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

from flowmanager.core.action import Action
from flowmanager.core.flow import Flow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.ports import Store, Transaction

LIFETIME = timedelta(hours=24)
"""How long a temporary flow can be started: as long as the reference service keeps it."""


@frozen
class TemporaryFlows:
    """Makes temporary flows; repeated for the same step it finds the one it made."""

    store: Store
    key: str

    def create(self, customer_id: Id, actions: tuple[Action, ...], *, name: str = "", detail: str = "") -> Id:
        """Store a temporary flow and return its id."""
        flow_id = str(uuid5(NAMESPACE_OID, f"{self.key}:temporary-flow"))

        def work(transaction: Transaction) -> Id:
            if transaction.get_flow(flow_id) is None:
                now = transaction.now()
                flow = Flow(id=flow_id, customer_id=customer_id, type="flow", name=name, detail=detail, actions=actions)
                transaction.insert_flow(flow.evolve(tm_create=now, tm_expire=now + LIFETIME))
            return flow_id

        return self.store.run(work)
