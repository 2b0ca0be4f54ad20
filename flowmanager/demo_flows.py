"""The flows of the demonstration: an IVR with a queue, the queue's wait flow, and what follows the call."""

from __future__ import annotations

from typing import Any

from flowmanager.core.ids import Id

Body = dict[str, Any]

CUSTOMER_ID: Id = "7b1e0c52-4a7d-4f0e-9a51-2f6f2d1c9e11"
QUEUE_ID: Id = "d90b3c57-1e2f-4a64-b8c7-5f31a0d9e682"


def action(action_type: str, name: str = "", **option: Any) -> Body:
    """Return an action; a name can be used as a target."""
    return {"type": action_type, **({"id": name} if name else {}), **({"option": option} if option else {})}


def wait_flow() -> Body:
    """Return what callers hear while they wait; the queue repeats it."""
    return {
        "customer_id": CUSTOMER_ID,
        "type": "queue",
        "name": "please hold",
        "persist": True,
        "actions": [
            action("talk", text="Please hold, ${customer.name}. All agents are busy.", language="en-US"),
            action("play", stream_urls=["https://media.example.com/hold.wav"]),
        ],
    }


def after_call_flow() -> Body:
    """Return what is done when the call is over."""
    return {
        "customer_id": CUSTOMER_ID,
        "type": "flow",
        "name": "after-call work",
        "persist": True,
        "actions": [
            action(
                "webhook_send",
                sync=True,
                uri="https://crm.example.com/calls",
                method="POST",
                data_type="application/json",
                data='{"customer": "${customer.name}", "choice": "${menu.choice}", "queue": "${voipbin.queue.name}"}',
            ),
            action(
                "email_send",
                destinations=[{"type": "email", "target": "dana@example.com"}],
                subject="Thank you for calling, ${customer.name}",
                content="You chose ${menu.choice}. Our system answered ${voipbin.webhook.status_code}.",
            ),
        ],
    }


def ivr_flow(on_complete_flow_id: Id) -> Body:
    """Return the menu that callers meet."""
    return {
        "customer_id": CUSTOMER_ID,
        "type": "flow",
        "name": "front desk",
        "persist": True,
        "on_complete_flow_id": on_complete_flow_id,
        "actions": [
            action("answer"),
            action(
                "talk", "menu", text="Welcome ${customer.name}. Press 1 for hours, 2 for support.", language="en-US"
            ),
            action("digits_receive", duration=5000, length=1),
            action("variable_set", key="menu.choice", value="${voipbin.call.digits}"),
            action("branch", target_ids={"1": "hours", "2": "support"}, default_target_id="menu"),
            {**action("talk", "hours", text="We are here from nine to five."), "next_id": "bye"},
            action("talk", "support", text="I connect you with support.", language="en-US"),
            action("queue_join", queue_id=QUEUE_ID),
            action("talk", text="Your agent calls in a specialist.", language="en-US"),
            action(
                "connect",
                source={"type": "tel", "target": "+3225550100"},
                destinations=[{"type": "tel", "target": "+3225550199", "name": "specialist"}],
            ),
            action("hangup", "bye"),
        ],
    }
