"""Ask flow-manager itself, as its peers do; for the command line, tests and the demo."""

from __future__ import annotations

from functools import partial
from typing import Any

from flowmanager.ports import Ask
from flowmanager.transport.envelope import Letter, parse_answer, request_body
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.publisher import LanePublisher
from flowmanager.transport.rpc_client import Dialogue
from flowmanager.transport.standing import Standing

Answer = tuple[int, str, Any]


class Caller:
    """A client of flow-manager, used by one thread. It connects at the first call, and again after a loss."""

    def __init__(self, url: str, *, publisher: str = "cli", names: Names = NAMES) -> None:
        """`publisher` is the name the caller gives itself."""
        self._publisher = publisher
        self._names = names
        self._dialogue = Standing(url, partial(Dialogue, names=names), heartbeat=0)
        self._events = Standing(url, LanePublisher, heartbeat=0)

    def call(self, method: str, uri: str, data: Any = None, *, seconds: float = 3.0, request_id: str = "") -> Answer:
        """Return (status_code, data_type, data) of the answer.

        Raises PeerTimeout after `seconds`, PeerUnroutable when nobody has declared the queue, PeerGarbled, BrokerLost.
        """
        ask = Ask(peer="flow", method=method, uri=uri, body=data, seconds=seconds, key=request_id)
        answer = parse_answer("flow", self.send_request(request_body(ask, publisher=self._publisher), seconds=seconds))
        return answer["status_code"], answer.get("data_type", ""), answer.get("data")

    def send_request(self, body: bytes, *, seconds: float = 3.0) -> bytes:
        """Send a body as it is to the request queue and return the body of the answer; raises as `call` does."""
        letter = Letter(body=body, routing_key=self._names.request, mandatory=True)
        return self._dialogue.get().ask(letter, peer="flow", seconds=seconds)

    def send_event(self, queue: str, body: bytes) -> None:
        """Put an event into a queue and wait until the broker has it. Raises BrokerLost."""
        self._events.get().send([Letter(body=body, routing_key=queue)])

    def close(self) -> None:
        """Close the connections."""
        self._dialogue.close()
        self._events.close()
