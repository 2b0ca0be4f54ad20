"""The caller pressed a key."""

from __future__ import annotations

import re

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription

KEYS = re.compile(r"[0-9A-Da-d*#]{1,64}")


@subscription(("call", "dtmf_received"), ("call", "dtmf"), ("media", "dtmf_received"), ("media", "dtmf"))
def dtmf_received(event: Event) -> Notice | None:
    """Tell the keys to the activeflow named in the event, else to all of the call. What is not a key is ignored."""
    digits = event.text("digit", "digits")
    activeflow_id = event.id("activeflow_id")
    reference_id = None if activeflow_id else event.id("call_id", "reference_id")
    if not KEYS.fullmatch(digits) or not (activeflow_id or reference_id):
        return None
    return Notice(Signal(kind=SignalKind.DIGIT, cause="dtmf_received", text=digits), activeflow_id, reference_id)
