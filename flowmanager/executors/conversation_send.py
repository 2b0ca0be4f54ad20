"""`conversation_send`: write into a conversation."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Flag, Text, Uuid
from flowmanager.schemas.options import Option


class ConversationSendOption(Option):
    """The options of `conversation_send`."""

    examples = ({"conversation_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10", "text": "Thank you for your call."},)

    conversation_id = Uuid(about="The conversation.")
    text = Text(about="What is sent.")
    sync = Flag(about="Accepted; whether conversation-manager took the message is always waited for.")


@executor("conversation_send", option=ConversationSendOption, on_error=OnError.CONTINUE)
def conversation_send(task: Task, managers: Managers) -> Outcome:
    """Send it."""
    managers.conversation.send(task.option["conversation_id"], task.option["text"])
    return Continue()
