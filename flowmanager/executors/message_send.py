"""`message_send`: send a text message."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Address, Items, Text
from flowmanager.schemas.options import Option


class MessageSendOption(Option):
    """`source` and `destinations`: addresses; `text`: the message."""

    examples = (
        {
            "source": {"type": "tel", "target": "+821100000001"},
            "destinations": [{"type": "tel", "target": "+821100000002"}],
            "text": "Your code is ${code}.",
        },
    )

    source = Address()
    destinations = Items(Address(load_default=dict), load_default=None)
    text = Text()


@executor("message_send", option=MessageSendOption)
def message_send(task: Task, managers: Managers) -> Outcome:
    """Send it."""
    managers.message.send(task.activeflow, task.option)
    return Continue()
