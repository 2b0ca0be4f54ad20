"""A transcription brought text."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription

TEXT = "voipbin.transcribe.text"


@subscription(
    ("transcribe", "transcribe_done"),
    ("transcribe", "transcribe_result"),
    ("transcribe", "result"),
    ("transcribe", "done"),
    ("ai", "transcribe_result"),
    ("media", "transcribe_result"),
)
def transcribe(event: Event) -> Notice | None:
    """Put the text, if the event has one, into a variable."""
    text = event.text("text", "message", "transcript")
    activeflow_id = event.id("activeflow_id")
    reference_id = None if activeflow_id else event.id("call_id", "reference_id")
    signal = Signal(kind=SignalKind.VARIABLES, cause=event.name, variables={TEXT: text})
    return Notice(signal, activeflow_id, reference_id) if text and (activeflow_id or reference_id) else None
