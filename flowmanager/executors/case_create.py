"""`case_create`: open a case for the person that the activeflow deals with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from flowmanager.core.activeflow import Activeflow, ReferenceType
from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.errors import PeerFailure
from flowmanager.executor import OnError, Task, executor
from flowmanager.managers.contact_manager import NewCase
from flowmanager.managers.managers import Managers
from flowmanager.managers.parties import Parties, parties_of_call, parties_of_conversation
from flowmanager.schemas.fields import Flag, Text
from flowmanager.schemas.options import Option

CASE_ID = "contact_case_id"
NOTE_FAILED = "case_note_failed"

log = structlog.get_logger()


class CaseCreateOption(Option):
    """The options of `case_create`."""

    examples = ({"name": "Call back", "note": "Pressed ${voipbin.call.digits}."},)

    name = Text(about="Title of the case.")
    detail = Text(about="Its description.")
    note = Text(about="A note that is added to it; empty: none.")
    sync = Flag(about="Accepted; the case is always waited for.")


def by_call(activeflow: Activeflow, managers: Managers) -> Parties | None:
    """Return who takes part in the activeflow's call."""
    return parties_of_call(managers.call.get_call(activeflow.reference_id))


def by_conversation(activeflow: Activeflow, managers: Managers) -> Parties | None:
    """Return who takes part in the activeflow's conversation."""
    return parties_of_conversation(managers.conversation.get_conversation(activeflow.reference_id))


SOURCES: Mapping[ReferenceType, tuple[str, Callable[[Activeflow, Managers], Parties | None]]] = {
    ReferenceType.CALL: ("call", by_call),
    ReferenceType.CONVERSATION: ("conversation_message", by_conversation),
}
"""What a case can be about: its name for contact-manager and where the parties are found."""


def add_note(task: Task, managers: Managers, case_id: str) -> None:
    """Add the note; the case counts without it."""
    try:
        managers.contact.add_note(task.activeflow.customer_id, case_id, task.option["note"])
    except PeerFailure as error:
        log.warning(NOTE_FAILED, activeflow_id=task.activeflow.id, case_id=case_id, error=str(error))


@executor("case_create", option=CaseCreateOption, on_error=OnError.CONTINUE)
def case_create(task: Task, managers: Managers) -> Outcome:
    """Open a case unless there is one or nobody to open it for; keep its id."""
    activeflow = task.activeflow
    if activeflow.reference_type not in SOURCES:
        return Continue()
    reference_type, find = SOURCES[activeflow.reference_type]
    parties = find(activeflow, managers)
    if parties is None or activeflow.variables.get(CASE_ID):
        return Continue()
    case = NewCase(parties, reference_type, task.option["name"], task.option["detail"])
    case_id = managers.contact.create_case(activeflow, case)
    if task.option["note"]:
        add_note(task, managers, case_id)
    return Continue({CASE_ID: case_id})
