"""The text of `${voipbin.flow.reference_data}`: a call or conversation as customers see it, key order included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from flowmanager.core.ids import NIL

OMITTED = object()
"""A key that is left out when it is empty."""

CALL: Mapping[str, Any] = {
    "id": NIL,
    "customer_id": NIL,
    "owner_type": "",
    "owner_id": NIL,
    "flow_id": NIL,
    "activeflow_id": NIL,
    "type": OMITTED,
    "master_call_id": NIL,
    "chained_call_ids": OMITTED,
    "recording_id": NIL,
    "recording_ids": OMITTED,
    "groupcall_id": NIL,
    "source": {},
    "destination": {},
    "status": OMITTED,
    "action": {"id": NIL, "next_id": NIL, "tm_execute": None},
    "metadata": OMITTED,
    "direction": OMITTED,
    "mute_direction": OMITTED,
    "hangup_by": OMITTED,
    "hangup_reason": OMITTED,
    "tm_progressing": OMITTED,
    "tm_ringing": OMITTED,
    "tm_hangup": OMITTED,
    "tm_create": OMITTED,
    "tm_update": OMITTED,
    "tm_delete": OMITTED,
}
"""The keys of a call and their values when absent."""

CONVERSATION: Mapping[str, Any] = {
    "id": NIL,
    "customer_id": NIL,
    "owner_type": "",
    "owner_id": NIL,
    "account_id": NIL,
    "name": OMITTED,
    "detail": OMITTED,
    "type": OMITTED,
    "dialog_id": OMITTED,
    "self": {},
    "peer": {},
    "tm_create": None,
    "tm_update": None,
    "tm_delete": None,
}
"""The keys of a conversation and their values when absent."""


def reference_text(form: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return a peer's record as JSON text: the keys of the form, in its order."""
    shown = {}
    for key, default in form.items():
        value = record.get(key) or (None if default is OMITTED else default)
        if value is not None or default is not OMITTED:
            shown[key] = value
    return orjson.dumps(shown).decode()
