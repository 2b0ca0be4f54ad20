"""ai-manager: AIs that talk, do tasks and summarise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowmanager.core.activeflow import Activeflow, ReferenceType
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.managers.peer import Calls, Service, accepted, service_of, without_empty
from flowmanager.ports import Ask


@frozen
class Assistance:
    """Who helps: an `ai` or a `team`."""

    type: str
    id: Id


def assistance_of(option: Mapping[str, Any]) -> Assistance:
    """Return whom an option names: without a type the old `ai_id` counts. Whether there is one ai-manager knows."""
    if not option["assistance_type"]:
        return Assistance("ai", option["ai_id"])
    return Assistance(option["assistance_type"], option["assistance_id"])


@frozen
class AiManager:
    """Requests to ai-manager."""

    calls: Calls

    def start_aicall(self, activeflow: Activeflow, assistance: Assistance) -> Service:
        """Start a talk; starting an AI takes up to 30 s."""
        conversation = activeflow.reference_type is ReferenceType.CONVERSATION
        body = {
            "assistance_type": assistance.type,
            "assistance_id": assistance.id,
            "activeflow_id": activeflow.id,
            "reference_type": "conversation" if conversation else "call",
            "reference_id": activeflow.reference_id,
        }
        ask = Ask(peer="ai", method="POST", uri="/v1/services/type/aicall", body=body, seconds=30)
        return service_of("ai", self.calls.call(ask))

    def start_task(self, activeflow: Activeflow, assistance: Assistance) -> Service:
        """Start a task that needs no media."""
        body = {
            "assistance_type": assistance.type,
            "assistance_id": assistance.id,
            "activeflow_id": activeflow.id,
        }
        ask = Ask(peer="ai", method="POST", uri="/v1/services/type/task", body=body)
        return service_of("ai", self.calls.call(ask))

    def start_summary(self, activeflow: Activeflow, option: Mapping[str, Any]) -> None:
        """Start a summary; a summary made at once takes up to 60 s."""
        body = {
            "customer_id": activeflow.customer_id,
            "activeflow_id": activeflow.id,
            "on_end_flow_id": option["on_end_flow_id"],
            "reference_type": option["reference_type"],
            "reference_id": option["reference_id"],
            "language": option["language"],
        }
        shown = without_empty(body, "reference_type", "language")
        ask = Ask(peer="ai", method="POST", uri="/v1/services/type/summary", body=shown, seconds=60)
        accepted("ai", self.calls.call(ask))
