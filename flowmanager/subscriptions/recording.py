"""A recording began or ended."""

from __future__ import annotations

from flowmanager.core.signals import Signal, SignalKind
from flowmanager.subscription import Event, Notice, subscription

NAMES = ("id", "reference_type", "reference_id", "format", "recording_name")


@subscription(
    ("call", "recording_started"),
    ("call", "recording_finished"),
    ("media", "recording_started"),
    ("media", "recording_finished"),
)
def recording(event: Event) -> Notice | None:
    """Put what is known of the recording into variables."""
    activeflow_id = event.id("activeflow_id")
    reference_id = None if activeflow_id else event.id("call_id", "reference_id")
    variables = recording_variables(event)
    signal = Signal(kind=SignalKind.VARIABLES, cause=event.name, variables=variables)
    return Notice(signal, activeflow_id, reference_id) if variables and (activeflow_id or reference_id) else None


def recording_variables(event: Event) -> dict[str, str]:
    """Return the variables of a recording; names that the event does not tell are left alone."""
    files = event.data.get("filenames")
    listed = files if isinstance(files, list) else []
    told = {name: event.text(name) for name in NAMES}
    told["filenames"] = ",".join(name for name in listed if isinstance(name, str))
    return {f"voipbin.recording.{name}": value for name, value in told.items() if value}
