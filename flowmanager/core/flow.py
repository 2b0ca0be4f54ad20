"""A stored flow: the template that activeflows are started from."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from flowmanager.core.action import Action
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id


@frozen(kw_only=True)
class Flow:
    """A flow. `persist` false: temporary, outside lists and counts, gone after `tm_expire` (UTC)."""

    id: Id
    customer_id: Id = NIL
    type: str = ""
    name: str = ""
    detail: str = ""
    persist: bool = False
    actions: tuple[Action, ...] = ()
    direct_id: Id = NIL
    direct_hash: str = ""
    on_complete_flow_id: Id = NIL
    on_drop_flow_id: Id = NIL
    tm_create: datetime | None = None
    tm_update: datetime | None = None
    tm_delete: datetime | None = None
    tm_expire: datetime | None = None

    def evolve(self, **changes: Any) -> Flow:
        """Return the flow with changes."""
        return replace(self, **changes)
