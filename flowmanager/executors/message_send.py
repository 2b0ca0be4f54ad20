"""`message_send`: send a text message."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Address, Items, Text
from flowmanager.schemas.options import Option


class MessageSendOption(Option):
    """The options of `message_send`."""

    examples = (
        {
            "source": {"type": "tel", "target": "+821100000001"},
            "destinations": [{"type": "tel", "target": "+821100000002"}],
            "text": "Your code is ${code}.",
        },
    )

    source = Address(about="Who sends: `type` `tel`, and the number as `target`.")
    destinations = Items(Address(load_default=dict), load_default=None, about="Who gets it, in the same form.")
    text = Text(about="The message.")


@executor("message_send", option=MessageSendOption)
def message_send(task: Task, managers: Managers) -> Outcome:
    """Send it."""
    managers.message.send(task.activeflow, task.option)
    return Continue()
