"""What the fields of records mean, for those who read the contract."""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "action_id": "The action on which it stands.",
    "action_type": "Its type.",
    "actions": "The actions, in their order.",
    "activeflows": "The activeflows, the active one first.",
    "count": "How many there are.",
    "current": "Whether the cursor is in this frame.",
    "current_action": "The action on which it stands.",
    "current_index": "Number of that action in the frame; -1: before the first.",
    "current_stack_id": "The frame of the action on which it stands.",
    "customer_id": "Whose it is.",
    "data": "The text.",
    "description": "What it does.",
    "detail": "What it is for.",
    "direct_hash": "By what it can be called directly.",
    "direct_id": "direct-manager's record of that.",
    "ended_reason": "Why it ended.",
    "ends_flow_on_error": "Whether the flow ends when it fails.",
    "error": "What ended it, when an action failed.",
    "examples": "Actions as people write them.",
    "execute_count": "How often it was resumed.",
    "executed_actions": "The history: each action that it has left, and how that came out.",
    "executed_count": "How many actions it has left.",
    "findings": "What was found, errors first.",
    "flow_id": "The flow that it runs.",
    "forward_action_id": "Where it goes on instead of the next action.",
    "forward_stack_id": "The frame of where it goes on instead of the next action.",
    "frame_id": "The frame.",
    "handled_by": "Who carries it out.",
    "id": "Its id.",
    "main": "Whether it is the frame of the flow itself.",
    "media": "Whether it needs a live call.",
    "name": "What it is called.",
    "next_id": "The action that follows; the zero id: the one behind it.",
    "now": "When this was told.",
    "on_complete_blocked": "Whether its on-complete flow was not started because the chain is too long.",
    "on_complete_flow_id": "The flow that is started when it has ended.",
    "on_drop_flow_id": "The flow that is started when a newer one took its place.",
    "option": "Its options.",
    "parent_frame_id": "The frame that it returns to; null: none.",
    "persist": "Whether it is kept; else it is deleted after 24 hours.",
    "reference_activeflow_id": "The activeflow that it follows, or whose variables it inherited.",
    "reference_id": "The id of the call, the conversation or whatever it belongs to.",
    "reference_type": "What it belongs to.",
    "return_action_id": "The action behind which it goes on in the frame that it returns to.",
    "return_stack_id": "The frame that it returns to.",
    "runs_on": "Where it runs; elsewhere it is skipped.",
    "stack_depth": "How many frames lie below.",
    "stack_map": "Its frames by id: their actions, and where each returns to.",
    "state": "Where it stands.",
    "status": "Whether it runs.",
    "title": "Its name for people.",
    "tm_action": "When the action on which it stands began.",
    "tm_create": "When it was made.",
    "tm_delete": "When it was deleted.",
    "tm_end": "When it ended.",
    "tm_execute": "When it began, in a history; else null.",
    "tm_update": "When it changed last.",
    "type": "Its type.",
    "valid": "Whether it could be stored.",
    "variables": "Names and values.",
    "wait": "Who ends the wait, and when it ends at the latest (null: never).",
    "warnings": "What is wrong with it although it was stored.",
    "webhook_method": "By which method that is told.",
    "webhook_uri": "Where its changes are told to the customer.",
    "why": "Why it waits, or why it ended, in a sentence.",
}
"""By name, in whatever record."""
OWN: Mapping[tuple[str, str], str] = {
    ("action_type", "option"): "What its options may be, as JSON Schema.",
    ("flow", "type"): "Of what kind it is.",
    ("stored_flow", "type"): "Of what kind it is.",
}
"""Those that mean something else in one record."""


def meaning(record: str, field: str) -> str:
    """Return what a field of a record means."""
    return OWN.get((record, field)) or MEANINGS[field]
