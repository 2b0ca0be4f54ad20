"""A run as the checker sees it: plain values made from the history and the snapshot of the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.faults.history import Json

TRANSIENT = frozenset({"BROKER_LOST", "STORE_LOST", "CONTENTION", "IN_PROGRESS"})
"""Reasons of answers that say: ask again."""
DIGITS = "voipbin.call.digits"
NEWS = "voipbin.transcribe.text"
OVER = frozenset({"ended", "error"})
"""States in which nothing can happen any more."""


@dataclass(frozen=True)
class Answer:
    """One answer to one attempt."""

    at: float
    status: int
    reason: str
    body: str
    data: Any = None

    @property
    def definite(self) -> bool:
        """Say whether it says more than `ask again`."""
        return self.reason not in TRANSIENT

    @property
    def form(self) -> str:
        """What repeats must have in common: the whole body, of an error status and reason."""
        return self.body if self.status < 300 else f"{self.status} {self.reason}"


@dataclass
class Asked:
    """One request, however often it was sent. `operation` says why the caller sent it."""

    id: str
    operation: str
    at: float
    method: str = ""
    uri: str = ""
    data: Any = None
    activeflow_id: str = ""
    expected: Sequence[str] = ()
    """Actions one of which a good answer must name."""
    token: str = ""
    """What was appended to the variable `log`, or set."""
    customer_id: str = ""
    answers: list[Answer] = field(default_factory=list)

    @property
    def reads(self) -> bool:
        """Say whether it changes nothing: repeats may be answered otherwise."""
        return self.operation.startswith("read")

    @property
    def definite(self) -> list[Answer]:
        """The answers that say more than `ask again`."""
        return [answer for answer in self.answers if answer.definite]

    @property
    def accepted(self) -> bool:
        """Say whether it was answered with success."""
        return any(answer.status < 300 for answer in self.answers)

    @property
    def refused(self) -> bool:
        """Say whether it was answered with an error."""
        return any(answer.status >= 300 for answer in self.definite)


@dataclass(frozen=True)
class Told:
    """One event of flow-manager, as it arrived."""

    at: float
    message_id: str
    type: str
    body: str
    data: Json


@dataclass(frozen=True)
class Row:
    """An activeflow at the end, and its history."""

    facts: Json
    steps: Sequence[Json] = ()

    @property
    def over(self) -> bool:
        """Say whether it has ended."""
        return self.facts["state"] in OVER

    def actions(self) -> list[str]:
        """The ids of the executed actions."""
        return [step["action"]["id"] for step in self.steps]


@dataclass
class Story:
    """Everything that the checks need."""

    asked: dict[str, Asked] = field(default_factory=dict)
    flows: dict[str, Json] = field(default_factory=dict)
    scripts: dict[str, Json] = field(default_factory=dict)
    """What callers drove, by activeflow: shape, customer_id, flow_id, and when they were done with it."""
    told: list[Told] = field(default_factory=list)
    seen: list[Json] = field(default_factory=list)
    """What stub managers were asked: manager, method, uri, request_id, data."""
    news: list[Json] = field(default_factory=list)
    """Events that a caller sent and waited for: activeflow_id, token, applied."""
    keys: list[Json] = field(default_factory=list)
    """Keys that were pressed: activeflow_id, sent."""
    complaints: list[Json] = field(default_factory=list)
    """What workers logged that should never happen."""
    faults: list[Json] = field(default_factory=list)
    standstills: list[Json] = field(default_factory=list)
    """Activeflows that could move after the faults and did not for too long: activeflow_id, state, until, owner."""
    leaving: dict[str, Json] = field(default_factory=dict)
    """Customers of whom the broker was told that they leave, and when."""
    gone: dict[str, Json] = field(default_factory=dict)
    """Customers of whom nothing was to be seen any more, and since when."""
    hung_up: dict[str, Json] = field(default_factory=dict)
    """Activeflows whose caller hung up."""
    rows: dict[str, Row] = field(default_factory=dict)
    stored: list[Json] = field(default_factory=list)
    """Flows that are kept: id, customer_id, tm_delete."""
    now: str = ""
    """The database's time at the end, UTC, as the rows have it."""
    outbox: int = 0
    queues: dict[str, int] = field(default_factory=dict)
    """Messages left in each queue after the workers were killed."""
    gauges: dict[str, float] = field(default_factory=dict)
    """What was measured at the end, and, under the name with ` limit`, how much it may be."""

    def of(self, activeflow_id: str, *operations: str) -> list[Asked]:
        """The requests about an activeflow, all or those of some operations."""
        return [
            one for one in self._by_activeflow().get(activeflow_id, []) if not operations or one.operation in operations
        ]

    def _by_activeflow(self) -> dict[str, list[Asked]]:
        if not hasattr(self, "_index"):
            self._index: dict[str, list[Asked]] = defaultdict(list)
            for one in self.asked.values():
                self._index[one.activeflow_id].append(one)
        return self._index

    def first_told(self) -> Iterator[Told]:
        """The events in the order of their first arrival."""
        known: set[str] = set()
        for told in self.told:
            if told.message_id not in known:
                known.add(told.message_id)
                yield told


def read_answer(at: float, body: str) -> Answer:
    """Read an answer; one that is no envelope has the status 0."""
    try:
        envelope = orjson.loads(body)
        status, data = envelope["status_code"], envelope.get("data")
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return Answer(at, 0, "NO_ENVELOPE", body)
    typed = envelope.get("data_type") == "voipbin_error" and isinstance(data, dict)
    return Answer(at, status, data.get("reason", "") if typed else "", body, data)


def read_told(line: Json) -> Told:
    """Read an event."""
    event = orjson.loads(line["body"])
    return Told(line["at"], line["message_id"], event.get("type", ""), line["body"], event.get("data") or {})


ASKED = ("id", "operation", "at", "method", "uri", "data", "activeflow_id", "expected", "token", "customer_id")


def add_line(story: Story, line: Json) -> None:
    """Put one line of the history where it belongs."""
    kind = line["kind"]
    if kind == "ask":
        # Asked anew under a known id it is a repeat, and answered as such.
        asked = Asked(**{key: line[key] for key in ASKED if key in line})
        story.asked.setdefault(asked.id, asked)
    elif kind == "answer" and line["id"] in story.asked:
        story.asked[line["id"]].answers.append(read_answer(line["at"], line["body"]))
    elif kind == "event":
        story.told.append(read_told(line))
    elif kind == "script_done":
        story.scripts[line["activeflow_id"]]["done"] = True
    elif kind in KEYED:
        table, key = KEYED[kind]
        getattr(story, table)[line[key]] = line
    elif kind in LISTED:
        getattr(story, LISTED[kind]).append(line)


KEYED = {
    "flow": ("flows", "id"),
    "script": ("scripts", "activeflow_id"),
    "hangup": ("hung_up", "activeflow_id"),
    "customer_leaves": ("leaving", "customer_id"),
    "customer_gone": ("gone", "customer_id"),
}
LISTED = {
    "seen": "seen",
    "news": "news",
    "keys": "keys",
    "complaint": "complaints",
    "fault": "faults",
    "standstill": "standstills",
}


def make_story(lines: Iterable[Json], snapshot: Json) -> Story:
    """Return a run from its history and snapshot."""
    story = Story(
        stored=snapshot.get("flows", []),
        now=snapshot.get("now", ""),
        outbox=snapshot.get("outbox", 0),
        queues=snapshot.get("queues", {}),
        gauges=snapshot.get("gauges", {}),
    )
    for line in lines:
        add_line(story, line)
    steps = snapshot.get("steps", {})
    for facts in snapshot.get("activeflows", []):
        story.rows[facts["id"]] = Row(facts, steps.get(facts["id"], []))
    return story
