"""What the stubs heard and said, for tests and timelines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowmanager.core.frozen import frozen


@frozen(kw_only=True)
class Seen:
    """A request that a stub received."""

    at: datetime
    manager: str
    """Short name: `call`, `queue`, …"""
    method: str
    uri: str
    data: Any
    request_id: str
    """The sender's idempotency key."""

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "at": self.at.isoformat(),
            "manager": self.manager,
            "method": self.method,
            "uri": self.uri,
            "data": self.data,
            "request_id": self.request_id,
        }


@frozen
class Exchange:
    """A request and how it was answered; `status_code` None: not at all, or with rubbish."""

    seen: Seen
    status_code: int | None


@frozen(kw_only=True)
class Sent:
    """An event that a stub emitted. `manager`: whose exchange; empty: straight to flow-manager's event queue."""

    at: datetime
    manager: str
    body: Mapping[str, Any]


@frozen(kw_only=True)
class Asked:
    """A request of a stub to flow-manager; `error` is the reason when it failed."""

    at: datetime
    method: str
    uri: str
    data: Any
    error: str = ""
