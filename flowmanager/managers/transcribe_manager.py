"""transcribe-manager: speech to text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.activeflow import Activeflow
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.managers.peer import Calls, accepted, without_empty
from flowmanager.ports import Ask


@frozen
class TranscribeManager:
    """Requests to transcribe-manager."""

    calls: Calls

    def start(self, activeflow: Activeflow, option: Mapping[str, Any], reference_type: str, reference_id: Id) -> None:
        """Transcribe a `call` or a `recording`: `language`, `direction`, `provider`; it may take 30 s."""
        body = {
            "customer_id": activeflow.customer_id,
            "activeflow_id": activeflow.id,
            "on_end_flow_id": option["on_end_flow_id"],
            "reference_type": reference_type,
            "reference_id": reference_id,
            "language": option["language"],
            "direction": option["direction"] or "both",
            "provider": option["provider"],
        }
        shown = without_empty(body, "language", "provider")
        ask = Ask(peer="transcribe", method="POST", uri="/v1/transcribes", body=shown, seconds=30)
        accepted("transcribe", self.calls.call(ask))

    def stop(self, transcribe_id: Id) -> None:
        """Stop a transcription."""
        self.calls.call(Ask(peer="transcribe", method="POST", uri=f"/v1/transcribes/{transcribe_id}/stop"))
