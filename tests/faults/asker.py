"""A caller as the platform's are: asks, and asks again with the same request id until it knows the answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic, sleep
from typing import Any

import orjson

from flowmanager.errors import BrokerLost
from flowmanager.ports import Ask
from flowmanager.transport.envelope import request_body
from tests.faults.history import History, Json
from tests.faults.story import TRANSIENT
from tests.faults.voice import REDIAL_SECONDS, Voice

LEAST_SECONDS, MOST_SECONDS = 2.0, 4.0
"""How long one attempt waits: the platform's callers give up after 3 s."""
LONGEST_SECONDS = 600.0
"""How long a request is repeated while there are faults: on a busy machine they last until all workers are back."""
REPEAT_SHARE = 0.06
"""Share of answered requests that are sent once more on purpose."""

SHOWN = ("id", "customer_id", "tm_update", "tm_delete")


class GaveUp(Exception):
    """Nobody answered for very long: the caller's script cannot go on."""


@dataclass(frozen=True)
class Reply:
    """A definite answer."""

    status: int
    reason: str
    data: Any

    @property
    def good(self) -> bool:
        """Say whether it is one of success."""
        return self.status < 300


@dataclass
class Patience:
    """Until when requests are repeated. Faults end at a moment that nobody knows before."""

    seconds_after: float = 30.0
    """A machine that does other things too needs some time for what has piled up; 10 s are checked by `standstill`."""
    calm_since: float | None = None

    def calm(self) -> None:
        """The faults are over."""
        self.calm_since = monotonic()

    def over(self, began: float) -> bool:
        """Say whether something that began then has had its time."""
        if self.calm_since is None:
            return monotonic() - began > LONGEST_SECONDS
        return monotonic() - max(began, self.calm_since) > self.seconds_after


@dataclass
class Asker:
    """Asks over one connection; used by one thread."""

    url: str
    queue: str
    history: History
    random: Random
    patience: Patience
    new_id: Callable[[], str]
    answered: deque[tuple[str, bytes]] = field(default_factory=deque)
    """Where requests that were answered are kept, for those who send them again."""
    reading: set[str] = field(default_factory=set)
    """Requests whose answers are kept in brief: whole records would fill the disk."""
    voice: Voice = field(init=False)

    def __post_init__(self) -> None:
        self.voice = Voice(self.url, self.queue, self._heard)

    def ask(self, operation: str, method: str, uri: str, data: Any = None, **facts: Any) -> Reply:
        """Return the definite answer. `facts` go into the history: activeflow_id, expected … Raises GaveUp."""
        request_id = self.new_id()
        self.history.add("ask", id=request_id, operation=operation, method=method, uri=uri, data=data, **facts)
        if operation.startswith("read"):
            self.reading.add(request_id)
        body = request_body(
            Ask(peer="flow", method=method, uri=uri, body=data, key=request_id), publisher="call-manager"
        )
        reply = self.insist(request_id, body)
        if not operation.startswith("read"):
            self.answered.append((request_id, body))
        if self.random.random() < REPEAT_SHARE:
            self.attempt(request_id, body)
        return reply

    def insist(self, request_id: str, body: bytes) -> Reply:
        """Repeat a request until there is a definite answer. Raises GaveUp."""
        began = monotonic()
        while (reply := self.attempt(request_id, body)) is None:
            if self.patience.over(began):
                self.history.add("gave_up", id=request_id)
                raise GaveUp(request_id)
            sleep(self.random.uniform(0.05, REDIAL_SECONDS))
        return reply

    def attempt(self, request_id: str, body: bytes) -> Reply | None:
        """Send a request once; None: no definite answer came of it."""
        seconds = self.random.uniform(LEAST_SECONDS, MOST_SECONDS)
        self.history.add("attempt", id=request_id)
        try:
            answer = self.voice.ask(request_id, body, seconds)
        except BrokerLost as lost:
            self.history.add("silence", id=request_id, why=str(lost.facts.get("why", ""))[:100])
            sleep(REDIAL_SECONDS)
            return None
        if answer is None:
            self.history.add("silence", id=request_id, why="time")
            return None
        reply = reply_of(orjson.loads(answer))
        return None if reply.reason in TRANSIENT else reply

    def close(self) -> None:
        """Hear late answers for a moment, then hang up."""
        self.voice.listen(0.1)
        self.voice.close()

    def _heard(self, request_id: str, body: bytes) -> None:
        shown = brief(body) if request_id in self.reading else body
        self.history.add("answer", id=request_id, body=shown.decode(errors="replace"))


def brief(body: bytes) -> bytes:
    """Return a good answer to a read with no more of its records than whose they are and when they were changed."""
    envelope = orjson.loads(body)
    data = envelope.get("data")
    if envelope["status_code"] >= 300 or not isinstance(data, dict | list):
        return body
    records = [{key: one.get(key) for key in SHOWN} for one in (data if isinstance(data, list) else [data])]
    return orjson.dumps({**envelope, "data": records})


def reply_of(envelope: Json) -> Reply:
    """Read the envelope of an answer."""
    data = envelope.get("data")
    typed = data if envelope.get("data_type") == "voipbin_error" and isinstance(data, dict) else {}
    return Reply(envelope["status_code"], typed.get("reason", ""), data)
