"""`email_send`: send an e-mail."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Address, Items, Record, Text, Uuid
from flowmanager.schemas.options import Option


class EmailSendOption(Option):
    """`attachments`: recordings by type and id."""

    examples = (
        {
            "destinations": [{"type": "email", "target": "desk@example.com"}],
            "subject": "A call",
            "content": "From ${voipbin.call.source.target}.",
        },
    )

    destinations = Items(Address(load_default=dict), load_default=None)
    subject = Text()
    content = Text()
    attachments = Items(Record({"reference_type": Text(), "reference_id": Uuid()}), load_default=None)


@executor("email_send", option=EmailSendOption, on_error=OnError.CONTINUE)
def email_send(task: Task, managers: Managers) -> Outcome:
    """Send it."""
    managers.email.send(task.activeflow, task.option)
    return Continue()
