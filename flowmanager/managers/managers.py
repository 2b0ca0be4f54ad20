"""The clients that an executor may use, made anew for each step so that their calls carry the step's keys."""

from __future__ import annotations

from flowmanager.core.frozen import frozen
from flowmanager.managers.ai_manager import AiManager
from flowmanager.managers.call_manager import CallManager
from flowmanager.managers.conference_manager import ConferenceManager
from flowmanager.managers.contact_manager import ContactManager
from flowmanager.managers.conversation_manager import ConversationManager
from flowmanager.managers.direct_manager import DirectManager
from flowmanager.managers.email_manager import EmailManager
from flowmanager.managers.message_manager import MessageManager
from flowmanager.managers.peer import Calls
from flowmanager.managers.queue_manager import QueueManager
from flowmanager.managers.temporary_flows import TemporaryFlows
from flowmanager.managers.transcribe_manager import TranscribeManager
from flowmanager.managers.web import Web
from flowmanager.managers.webhook_manager import WebhookManager
from flowmanager.ports import Rpc, Store


@frozen
class Managers:
    """One client for each peer, one for customers' servers, and our own store of temporary flows."""

    ai: AiManager
    call: CallManager
    conference: ConferenceManager
    contact: ContactManager
    conversation: ConversationManager
    direct: DirectManager
    email: EmailManager
    flows: TemporaryFlows
    message: MessageManager
    queue: QueueManager
    transcribe: TranscribeManager
    web: Web
    webhook: WebhookManager

    @staticmethod
    def of(rpc: Rpc, store: Store, key: str, *, web: Web | None = None) -> Managers:
        """Return the clients for the step with this key."""
        calls = Calls(rpc, key)
        return Managers(
            ai=AiManager(calls),
            call=CallManager(calls),
            conference=ConferenceManager(calls),
            contact=ContactManager(calls),
            conversation=ConversationManager(calls),
            direct=DirectManager(calls),
            email=EmailManager(calls),
            flows=TemporaryFlows(store, key),
            message=MessageManager(calls),
            queue=QueueManager(calls),
            transcribe=TranscribeManager(calls),
            web=web or Web(),
            webhook=WebhookManager(calls),
        )
