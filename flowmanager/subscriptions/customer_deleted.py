"""A customer is gone: so is all that was theirs."""

from __future__ import annotations

from flowmanager.subscription import CustomerGone, Event, subscription


@subscription(("customer", "customer_deleted"))
def customer_deleted(event: Event) -> CustomerGone | None:
    """Delete the customer's activeflows and flows. In this event the customer's id is `id`."""
    customer_id = event.id("id")
    return CustomerGone(customer_id) if customer_id else None
