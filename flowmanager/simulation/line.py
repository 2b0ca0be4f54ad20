"""The way between flow-manager and everybody else in one process: what a broker would carry is handed over by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from flowmanager.errors import PeerTimeout
from flowmanager.ports import Ask, Message, MessageKind
from flowmanager.simulation.director import Director
from flowmanager.simulation.peers import Peers
from flowmanager.simulation.recorder import Recorder
from flowmanager.simulation.rules import ScriptRules
from flowmanager.simulation.timeline import PeerRequest
from flowmanager.timeline import brief
from flowmanager.transport.envelope import Delivery, read_answer, request_body

NOT_CARRIED_OUT = 300
"""The least status of an answer that says no."""


@dataclass(slots=True)
class Line:
    """What flow-manager says: requests to other managers, events, answers. Rpc, publisher and link in one."""

    peers: Peers
    recorder: Recorder
    rules: ScriptRules
    director: Director
    wait: Callable[[float], None]
    """Let time pass and what is due happen."""
    events: list[Mapping[str, Any]] = field(default_factory=list)
    """What was published on our own exchange."""
    replies: dict[str, bytes] = field(default_factory=dict)
    """Answers to requests that we got."""
    listeners: list[Callable[[Mapping[str, Any]], None]] = field(default_factory=list)
    """Who hears what is published."""
    limits: list[float] = field(default_factory=list)
    """When the requests under way, one inside the other, are given up: seconds since the beginning."""

    @property
    def rpc(self) -> Line:
        """The line itself."""
        return self

    @property
    def publisher(self) -> Line:
        """The line itself."""
        return self

    def reply(self, delivery: Delivery, body: bytes, **_how: bool) -> None:
        """Take the answer to a request."""
        self.replies[delivery.reply_to] = body

    def publish(self, messages: Sequence[Message]) -> None:
        """Take events. What goes to customers' webhooks by the way is the same once more: nobody needs it here."""
        told = [orjson.loads(message.body) for message in messages if message.kind is MessageKind.EVENT]
        self.events += told
        for listener in self.listeners:
            for event in told:
                listener(event)

    def call(self, ask: Ask) -> Any:
        """Ask another manager; see the port Rpc."""
        began = self.recorder.now
        place = len(self.recorder.requests)
        if is_media(ask):
            self.recorder.sends_out(ask.body)
        rule = self.director.asked(ask) or self.rules.match(ask)
        entry = self.recorder.add("request", "", quiet=is_media(ask))
        self.limits.append(began + ask.seconds)
        try:
            reply = self.peers.reply(ask.peer, orjson.loads(request_body(ask)), rule.rule.fault if rule else None)
            body = self.in_time(ask, reply)
            status = status_of(body)
        finally:
            self.limits.pop()
            took = self.recorder.now - began
            told = locals().get("status")
            asked = PeerRequest(began, ask.peer, ask.method, ask.uri, ask.body, told, took)
            self.recorder.requests.insert(place, asked)
            entry.what = request_told(asked)
            entry.facts |= {**asked.wire(), "quiet": is_media(ask) and told == 200}
        answer = read_answer(ask.peer, body)
        if is_media(ask):
            self.begun(ask)
        if rule is None or rule.answer is None:
            return answer
        both = isinstance(answer, Mapping) and isinstance(rule.answer, Mapping)
        return {**answer, **rule.answer} if both else rule.answer

    def carry_out(self, ask: Ask) -> int | None:
        """Let call-manager begin an action that it came for itself: nothing goes over the line.

        Return the status that it would have answered; None: nobody will ever hear of it again.
        """
        self.recorder.sends_out(ask.body)
        rule = self.director.asked(ask) or self.rules.match(ask)
        reply = self.peers.reply(ask.peer, orjson.loads(request_body(ask)), rule.rule.fault if rule else None)
        if reply is None:
            return None
        status = status_of(orjson.dumps(reply)) or NOT_CARRIED_OUT
        if status < NOT_CARRIED_OUT:
            self.begun(ask)
        return status

    def begun(self, ask: Ask) -> None:
        """A media action has begun."""
        self.recorder.hears(ask.body)
        self.peers.begins(ask.uri.split("/")[3], ask.body["action"])

    def in_time(self, ask: Ask, reply: Any) -> bytes:
        """Return an answer that comes before the request is given up. Raises PeerTimeout."""
        left = self.limits[-1] - self.recorder.now
        if reply is None and left > 0:
            self.wait(left)
        if reply is None or left <= 0:
            raise PeerTimeout(ask.peer, ask.seconds)
        return reply if isinstance(reply, bytes) else orjson.dumps(reply)

    def keep_back(self, seconds: float) -> None:
        """Keep an answer back, but not longer than it is waited for."""
        self.wait(min(seconds, self.limits[-1] - self.recorder.now) if self.limits else seconds)


def is_media(ask: Ask) -> bool:
    """Say whether a request only sends out a media action, which the timeline shows as such."""
    return ask.peer == "call" and ask.uri.endswith("/actions")


def status_of(body: bytes) -> int | None:
    """Return the status of an answer, None for rubbish."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    status = answer.get("status_code") if isinstance(answer, dict) else None
    return status if isinstance(status, int) else None


def request_told(asked: PeerRequest) -> str:
    """Tell a request in one line."""
    data = asked.data if isinstance(asked.data, Mapping) else {}
    took = f" after {asked.seconds:g}s" if asked.seconds >= 0.001 else ""
    status = "no answer" if asked.status_code is None else str(asked.status_code)
    return f"{asked.line}  {brief(data, ())} → {status}{took}"
