"""Plays a scenario against our service, stands in for the other managers, and tells every difference.

Compared: the status (its class where it is an error), every recorded field of an answer, and the requests to other
managers: their order, to whom, method, URI, and body. An answer may have more fields than the recorded one; an absent
field is as good as an empty one. Generated ids are paired one to one with the recorded ones; times count as null or
not null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from flowmanager.transport.names import NAMES
from tests.conformance.recording import Asked, Scenario, Step

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z")
CHOSEN = re.compile(r"5c|c0000000-")
"""How the ids begin that the recorder chose. They are new in every run: scenarios share a database."""
RESERVED = re.compile(r"00000000-0000-0000-0000-00000000000[0-9a-f]")
EMPTY: tuple[Any, ...] = (None, "", [], {}, False, 0)
ALL_WELL = {"status_code": 200, "data_type": "application/json", "data": {}}

Question = tuple[str, dict[str, Any]]
"""A manager's short name and the request it got."""


class Difference(NamedTuple):
    """What is not as recorded, in which step."""

    step: int
    text: str


class Stage(Protocol):
    """Where a scenario is played."""

    def ask(self, body: bytes) -> Any:
        """Send a request; return the answer's envelope when all that follows from the request is done."""
        ...

    def tell(self, queue: str, body: bytes) -> None:
        """Send an event; return when all that follows from it is done."""
        ...

    def wait(self, seconds: float) -> None:
        """Let so much recorded time pass."""
        ...


@dataclass
class Pairs:
    """Which of our ids stands for which recorded one; the times that page tokens are made of likewise."""

    ours: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)

    def outward(self, value: Any) -> Any:
        """Return a recorded value with our ids in it."""
        text = TIME.sub(lambda found: self.times.get(found[0], found[0]), json.dumps(value))
        return json.loads(UUID.sub(lambda found: self.id_for(found[0]), text))

    def id_for(self, recorded: str) -> str:
        """Return our id for a recorded one."""
        if recorded not in self.ours and CHOSEN.match(recorded):
            self.join(recorded, str(uuid4()))
        return self.ours.get(recorded, recorded)

    def join(self, recorded: str, ours: str) -> None:
        """Pair two ids."""
        self.ours[recorded], self.recorded[ours] = ours, recorded

    def agree(self, recorded: str, ours: str) -> bool:
        """Say whether two ids are the same thing; ids met for the first time become a pair."""
        if recorded in self.ours or ours in self.recorded:
            return self.ours.get(recorded) == ours
        if recorded == ours or RESERVED.fullmatch(recorded) or RESERVED.fullmatch(ours):
            return recorded == ours
        self.join(recorded, ours)
        return True

    def differences(self, want: Any, got: Any, path: str) -> Iterator[str]:
        """Yield what is recorded and not found."""
        if isinstance(want, dict) and isinstance(got, dict):
            for key, value in want.items():
                yield from self.in_field(key, value, got, path)
        elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
            for number, (one, other) in enumerate(zip(want, got, strict=True)):
                yield from self.differences(one, other, f"{path}[{number}]")
        elif not self.same(want, got):
            yield f"{path}: wanted {want!r:.100}, got {got!r:.100}"

    def in_field(self, key: str, value: Any, got: dict[str, Any], path: str) -> Iterator[str]:
        """Yield what differs in one field of an object."""
        if key not in got:
            if value not in EMPTY:
                yield f"{path}.{key}: wanted {value!r:.100}, it is missing"
        elif not key.startswith("tm_"):
            yield from self.differences(value, got[key], f"{path}.{key}")
        elif (value is None) != (got[key] is None):
            yield f"{path}.{key}: wanted {value!r}, got {got[key]!r}"
        elif value is not None:
            self.times[value] = got[key]

    def same(self, want: Any, got: Any) -> bool:
        """Compare two values that are not containers of one kind; the ids in texts are compared as pairs."""
        if not isinstance(want, str) or not isinstance(got, str):
            return bool(want == got) and isinstance(want, bool) == isinstance(got, bool)
        found, other = UUID.findall(want), UUID.findall(got)
        return UUID.sub("#", want) == UUID.sub("#", got) and all(map(self.agree, found, other))


@dataclass
class Peers:
    """All other managers: they give the recorded answers and keep what they were asked."""

    pairs: Pairs = field(default_factory=Pairs)
    answers: dict[tuple[str, str, str], list[Any]] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def expect(self, asked: Sequence[Asked]) -> None:
        """Be ready for a step: its answers in their order, the last of a kind for all that follow."""
        with self.lock:
            fresh: dict[tuple[str, str, str], list[Any]] = {}
            for one in asked:
                fresh.setdefault(kind(one.peer, one.method, one.uri), []).append(one.reply)
            self.answers |= fresh
            self.asked = []

    def answer(self, peer: str, request: dict[str, Any]) -> bytes | None:
        """Return the answer to a request; None: there comes none."""
        with self.lock:
            self.asked.append((peer, request))
            waiting = self.answers.get(kind(peer, request["method"], request["uri"]), [ALL_WELL])
            reply = self.pairs.outward(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        if reply is None:
            return None
        return str(reply["raw"]).encode() if "raw" in reply else json.dumps(reply).encode()


def kind(peer: str, method: str, uri: str) -> tuple[str, str, str]:
    """Return what requests have in common that are answered alike."""
    return peer, method, UUID.sub("#", uri)


@dataclass
class Replay:
    """One scenario on its way."""

    stage: Stage
    peers: Peers
    alone: bool = True
    """Nothing else is in the database: lists of all customers' records can be compared too."""

    def play(self, scenario: Scenario) -> list[Difference]:
        """Return every difference."""
        self.peers.pairs, self.peers.answers = Pairs(), {}
        return [Difference(step.number, text) for step in scenario.steps for text in self.step(step)]

    def step(self, step: Step) -> Iterator[str]:
        """Play a step and yield its differences."""
        self.peers.expect(step.asked)
        if step.wait:
            self.stage.wait(step.wait)
        if step.event is not None:
            self.stage.tell(step.to.removeprefix(NAMES.prefix), self.body(step.event))
        elif step.request is not None:
            answer = self.stage.ask(self.body(step.request))
            yield from self.in_answer(step, answer)
        yield from self.in_questions(step.asked, list(self.peers.asked))

    def body(self, recorded: Any) -> bytes:
        """Return a message as it is sent."""
        if isinstance(recorded, str):
            return UUID.sub(lambda found: self.peers.pairs.id_for(found[0]), recorded).encode()
        return json.dumps(self.peers.pairs.outward(recorded)).encode()

    def in_answer(self, step: Step, answer: Any) -> Iterator[str]:
        """Yield what differs in an answer."""
        if step.status is None:
            return
        status = answer["status_code"]
        if status != step.status and not 400 <= min(status, step.status) <= max(status, step.status) < 500:
            yield f"status: wanted {step.status}, got {status}"
        elif step.status < 300 and (self.alone or not lists_everything(step.request)):
            yield from self.peers.pairs.differences(step.answer, answer.get("data"), "answer")

    def in_questions(self, want: Sequence[Asked], got: Sequence[Question]) -> Iterator[str]:
        """Yield what differs in the requests to other managers."""
        wanted = [kind(one.peer, one.method, one.uri) for one in want]
        found = [kind(peer, request["method"], request["uri"]) for peer, request in got]
        if wanted != found:
            yield f"wanted to ask {wanted}, asked {found}"
            return
        for one, (_, request) in zip(want, got, strict=True):
            place = f"{one.peer} {one.method} {one.uri}"
            told, sent = {"uri": one.uri, "data": one.body}, {"uri": request["uri"], "data": request.get("data")}
            yield from self.peers.pairs.differences(told, sent, place)
            yield from (f"{place}: {key} is not recorded" for key in sorted(keys(sent["data"]) - keys(one.body)))


def keys(body: Any) -> set[str]:
    """Return the fields of a body that may be missing."""
    return set(body) if isinstance(body, dict) else set()


def lists_everything(request: Any) -> bool:
    """Say whether a request lists records of all customers."""
    told = json.loads(request) if isinstance(request, str) else request
    return bool(re.match(r"/v1/(flows|activeflows)\?", told["uri"])) and "customer_id" not in (told.get("data") or {})
