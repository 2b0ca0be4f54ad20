"""The variables that the platform sets, and what their names mean when they are mistyped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from flowmanager.core.variables import RESERVED_PREFIX

PARTY = ("name", "detail", "target", "target_name", "type")


def below(prefix: str, names: Iterable[str]) -> frozenset[str]:
    """Return names with a prefix."""
    return frozenset(f"{prefix}.{name}" for name in names)


RECORDING = below(
    "voipbin.recording", ("id", "reference_type", "reference_id", "format", "recording_name", "filenames")
)
TRANSCRIBE = below("voipbin.transcribe", ("id", "language", "direction", "text"))
WEBHOOK = below("voipbin.webhook", ("response", "status_code"))
QUEUE = below("voipbin.queue", ("id", "name", "detail")) | below(
    "voipbin.queuecall", ("id", "timeout_wait", "timeout_service")
)
AICALL = below("voipbin.aicall", ("id", "ai_id", "ai_engine_model", "confbridge_id", "stt_language", "pipecatcall_id"))
CASE = frozenset({"contact_case_id"})

KNOWN = frozenset().union(
    below(
        "voipbin.activeflow",
        ("id", "reference_type", "reference_id", "reference_activeflow_id", "flow_id", "complete_count"),
    ),
    below("voipbin.flow", ("reference_data",)),
    below("voipbin.call", ("id", "direction", "master_call_id", "digits", "status")),
    below("voipbin.call.source", PARTY),
    below("voipbin.call.destination", PARTY),
    RECORDING,
    TRANSCRIBE,
    WEBHOOK,
    QUEUE,
    AICALL,
    below("voipbin.conversation", ("id", "owner_id")),
    below("voipbin.conversation.self", PARTY),
    below("voipbin.conversation.peer", PARTY),
    below("voipbin.conversation_message", ("id", "text", "direction")),
    below("voipbin.ai_summary", ("id", "reference_type", "reference_id", "language", "content")),
    below("voipbin.tts", ("gcp.voice_id", "aws.voice_id", "elevenlabs.voice_id")),
)
"""All names under `voipbin.` that somebody writes, or reads."""

MEANT: Mapping[str, str] = {
    "voipbin.call.caller_id": "voipbin.call.source.target",
    "voipbin.call.caller": "voipbin.call.source.target",
    "voipbin.call.from": "voipbin.call.source.target",
    "voipbin.call.to": "voipbin.call.destination.target",
    "voipbin.call.source.number": "voipbin.call.source.target",
    "voipbin.call.destination.number": "voipbin.call.destination.target",
    "voipbin.message.text": "voipbin.conversation_message.text",
    "voipbin.message.source.number": "voipbin.conversation.peer.target",
    "voipbin.call.dtmf": "voipbin.call.digits",
}
"""Names that are found in documents and examples but set by nobody."""


def reserved(name: str) -> bool:
    """Say whether a name is, or looks like, one of the platform's."""
    return name.strip().lower().startswith(RESERVED_PREFIX)


def suggestion(name: str) -> str | None:
    """Return the name that was probably meant."""
    plain = name.strip().lower()
    if plain in KNOWN or plain in MEANT:
        return MEANT.get(plain, plain)
    close = get_close_matches(plain[:100], sorted(KNOWN), n=1, cutoff=0.8)
    return close[0] if close else None
