"""`email_send`: send an e-mail."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Address, Items, Record, Text, Uuid
from flowmanager.schemas.options import Option


class EmailSendOption(Option):
    """The options of `email_send`."""

    examples = (
        {
            "destinations": [{"type": "email", "target": "desk@example.com"}],
            "subject": "A call",
            "content": "From ${voipbin.call.source.target}.",
        },
    )

    destinations = Items(
        Address(load_default=dict), load_default=None, about="Who gets it: `type` `email`, and the address as `target`."
    )
    subject = Text(about="Its subject.")
    content = Text(about="Its text.")
    attachments = Items(
        Record({"reference_type": Text(), "reference_id": Uuid()}),
        load_default=None,
        about="Recordings to attach, by `reference_type` (`recording`) and `reference_id`.",
    )


@executor("email_send", option=EmailSendOption, on_error=OnError.CONTINUE)
def email_send(task: Task, managers: Managers) -> Outcome:
    """Send it."""
    managers.email.send(task.activeflow, task.option)
    return Continue()
