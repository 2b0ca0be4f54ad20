"""The value of `${voipbin.flow.reference_data}`: asked of the reference's own manager when an option needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from flowmanager.core.activeflow import Activeflow, ReferenceType
from flowmanager.core.variables import REFERENCE_DATA, Variables
from flowmanager.errors import BrokerLost, FlowManagerError
from flowmanager.managers.managers import Managers
from flowmanager.orchestrator.engine import Work
from flowmanager.orchestrator.fold import needs_reference
from flowmanager.schemas.reference import CALL, CONVERSATION, reference_text

log = structlog.get_logger()

Ask = Callable[[Managers, str], Mapping[str, Any]]
SOURCES: Mapping[ReferenceType, tuple[Mapping[str, Any], Ask]] = {
    ReferenceType.CALL: (CALL, lambda managers, reference_id: managers.call.get_call(reference_id)),
    ReferenceType.CONVERSATION: (
        CONVERSATION,
        lambda managers, reference_id: managers.conversation.get_conversation(reference_id),
    ),
}
"""Which references have data: the form of it, and whom to ask."""


def ask_reference(work: Work, flow: Activeflow) -> str:
    """Return the reference's data; empty when there are none or they cannot be had."""
    if flow.reference_type not in SOURCES:
        return ""
    form, ask = SOURCES[flow.reference_type]
    managers = Managers.of(work.rpc, work.engine.store, f"{flow.id}:{flow.executed_count}:reference")
    try:
        return reference_text(form, ask(managers, flow.reference_id))
    except BrokerLost:
        raise
    except FlowManagerError as error:
        log.warning("reference_data_missing", activeflow_id=flow.id, error=str(error))
        return ""


def with_reference(work: Work, flow: Activeflow, tree: Any) -> Variables:
    """Return the variables by which a JSON value of a request is substituted."""
    if not needs_reference(tree, flow.variables):
        return flow.variables
    return {**flow.variables, REFERENCE_DATA: ask_reference(work, flow)}
