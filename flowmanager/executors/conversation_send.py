"""`conversation_send`: write into a conversation."""

from __future__ import annotations

from flowmanager.core.outcomes import Continue, Outcome
from flowmanager.executor import OnError, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Flag, Text, Uuid
from flowmanager.schemas.options import Option


class ConversationSendOption(Option):
    """`sync` makes no difference: whether conversation-manager took the message is always waited for."""

    conversation_id = Uuid()
    text = Text()
    sync = Flag()


@executor("conversation_send", option=ConversationSendOption, on_error=OnError.CONTINUE)
def conversation_send(task: Task, managers: Managers) -> Outcome:
    """Send it."""
    managers.conversation.send(task.option["conversation_id"], task.option["text"])
    return Continue()
