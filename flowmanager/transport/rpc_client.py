"""Ask another service and wait for its answer, over one reply queue for the whole life of the connection."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count
from time import monotonic
from typing import Any
from uuid import uuid4

from flowmanager.errors import FlowManagerError, PeerTimeout, PeerUnroutable
from flowmanager.ports import Ask
from flowmanager.transport.envelope import Delivery, Letter, read_answer, read_delivery, request_letter
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.session import BLOCKED, Session

DIRECT_REPLY = "amq.rabbitmq.reply-to"
LOOK_SECONDS = 5.0
"""How long to wait at once: hundreds of threads may wait, and the connection's heartbeat has more time than this."""


class Dialogue:
    """Sends requests, one at a time, and finds the answer to each."""

    def __init__(self, session: Session, *, names: Names = NAMES) -> None:
        """Open the channel that sends and receives. Raises BrokerLost."""
        self._session = session
        self._channel = session.channel()
        self._numbers = count(1)
        self._origin = uuid4().hex
        self._waits_for = ""
        self._answer: Delivery | None = None
        self._unroutable = False
        self._reply_to = self._listen(names)

    def _listen(self, names: Names) -> str:
        queue = f"{names.reply}.{self._origin}" if self._session.embedded else DIRECT_REPLY
        with self._session.guard():
            if self._session.embedded:
                self._channel.queue_declare(queue, durable=False, auto_delete=True)
                self._session.before_close(partial(self._channel.queue_delete, queue))
            else:
                self._channel.events["basic_return"].add(self._on_return)
            self._channel.basic_consume(queue=queue, consumer_tag=self._origin, no_ack=True, callback=self._on_answer)
        return queue

    def _on_answer(self, raw: Any) -> None:
        answer = read_delivery(self._channel.message_to_python(raw), self._reply_to)
        # Anything else answers a request that was given up.
        if answer.correlation_id == self._waits_for:
            self._answer = answer

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Any) -> None:
        self._unroutable = self._unroutable or message.properties.get("correlation_id") == self._waits_for

    def ask(self, letter: Letter, *, peer: str, seconds: float) -> bytes:
        """Return the body of the answer.

        Raises PeerTimeout, PeerUnroutable when the request queue does not exist, BrokerLost.
        """
        self._waits_for = f"{self._origin}-{next(self._numbers)}"
        self._answer, self._unroutable = None, False
        address = {"reply_to": self._reply_to, "correlation_id": self._waits_for}
        deadline = monotonic() + seconds
        self._session.send(self._channel, replace(letter, properties={**letter.properties, **address}))
        return self._wait(peer, seconds, deadline)

    def _wait(self, peer: str, seconds: float, deadline: float) -> bytes:
        while self._answer is None:
            if self._unroutable:
                raise PeerUnroutable(peer)
            left = deadline - monotonic()
            if left <= 0:
                raise self._timeout(peer, seconds)
            self._session.drain(min(left, LOOK_SECONDS))
        return self._answer.body

    def _timeout(self, peer: str, seconds: float) -> FlowManagerError:
        # A broker that takes no messages keeps question or answer back: that is not the other manager's failure.
        if self._session.blocked_since(monotonic() - seconds):
            return self._session.give_up(BLOCKED)
        return PeerTimeout(peer, seconds)


class RpcClient:
    """Requests to other managers over one connection; implements the port Rpc."""

    def __init__(self, session: Session, *, names: Names = NAMES) -> None:
        """Raises BrokerLost."""
        self._names = names
        self._dialogue = Dialogue(session, names=names)

    def call(self, ask: Ask) -> Any:
        """Return the `data` of a good answer; see the port for what is raised."""
        answer = self._dialogue.ask(request_letter(ask, names=self._names), peer=ask.peer, seconds=ask.seconds)
        return read_answer(ask.peer, answer)
