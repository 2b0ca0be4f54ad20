"""A load generator: many users in one thread over one connection, each a generator of what it does."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Any

import amqp
import orjson

from bench.broker import connected
from bench.window import Window

ANSWER_SECONDS = 60.0
DIRECT = "amq.rabbitmq.reply-to"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request; what it yields is the data of the answer."""

    method: str
    uri: str
    data: Any = None


@dataclass(frozen=True, slots=True)
class Tell:
    """An event of another manager."""

    publisher: str
    type: str
    data: Json


@dataclass(frozen=True, slots=True)
class UntilEnded:
    """Wait until the event says that an activeflow is over."""

    activeflow_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """An operation is over; `started` is when it began."""

    started: float


Doing = Ask | Tell | UntilEnded | Done
User = Generator[Doing, Any, None]


class Refused(Exception):
    """An answer was an error: what is measured would be something else."""


@dataclass(slots=True)
class Pump:
    """One connection and the users on it."""

    url: str
    queue: str
    event_queue: str = ""
    """Where events are sent to."""
    event_exchange: str = ""
    """What is listened to for ends; empty: nothing."""
    _window: Window = field(default_factory=Window)
    """When it is over, users rest after their operation."""
    _resting: list[User] = field(default_factory=list)
    _waiting: dict[str, User] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _numbers: Any = field(default_factory=count)
    _connection: Any = None
    _channel: Any = None

    def __enter__(self) -> Pump:
        """Connect and listen."""
        self._connection = connected(self.url)
        self._channel = self._connection.channel()
        self._channel.auto_decode = False
        self._channel.basic_consume(DIRECT, no_ack=True, callback=self._on_answer)
        if self.event_exchange:
            name = self._channel.queue_declare("", exclusive=True).queue
            self._channel.queue_bind(name, self.event_exchange)
            self._channel.basic_consume(name, no_ack=True, callback=self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, method: str, uri: str, data: Any = None) -> Any:
        """Ask and wait for the data of the answer."""
        found: list[Any] = []

        def user() -> User:
            found.append((yield Ask(method, uri, data)))

        self.finish([user()])
        return found[0]

    def finish(self, users: list[User]) -> None:
        """Run users to their end."""
        for user in users:
            self._go_on(user, None)
        while self._waiting:
            self._drain()

    def run(self, users: list[User], seconds: float) -> Window:
        """Let endless users go on for so long, and until all that began by then is over; return what was counted."""
        self._resting.clear()
        self._window = Window(perf_counter() + seconds, set(users))
        for user in users:
            self._go_on(user, None)
        while len(self._resting) < len(users):
            self._drain()
        return self._window

    def _drain(self) -> None:
        self._connection.drain_events(timeout=ANSWER_SECONDS)

    def _go_on(self, user: User, answer: Any) -> None:
        try:
            doing = user.send(answer)
            while not isinstance(doing, Ask):
                if isinstance(doing, Done):
                    self._window.note(user, doing.started, perf_counter())
                    if not self._window.is_open:
                        self._resting.append(user)
                        return
                elif isinstance(doing, Tell):
                    self._tell(doing)
                elif doing.activeflow_id not in self._ended:
                    self._waiting[doing.activeflow_id] = user
                    return
                else:
                    self._ended.discard(doing.activeflow_id)
                doing = user.send(None)
        except StopIteration:
            return
        self._ask(doing, user)

    def _ask(self, ask: Ask, user: User) -> None:
        number = str(next(self._numbers))
        self._waiting[number] = user
        envelope: Json = {
            "uri": ask.uri,
            "method": ask.method,
            "publisher": "call-manager",
            "data_type": "application/json",
        }
        if ask.data is not None:
            envelope["data"] = ask.data
        message = amqp.Message(
            orjson.dumps(envelope), content_type="text/plain", reply_to=DIRECT, correlation_id=number
        )
        self._channel.basic_publish(message, routing_key=self.queue)

    def _tell(self, event: Tell) -> None:
        body = {"type": event.type, "publisher": event.publisher, "data_type": "application/json", "data": event.data}
        self._channel.basic_publish(amqp.Message(orjson.dumps(body)), routing_key=self.event_queue)

    def _on_answer(self, message: Any) -> None:
        answer = orjson.loads(message.body)
        if answer["status_code"] >= 300:
            raise Refused(answer)
        self._go_on(self._waiting.pop(message.properties["correlation_id"]), answer.get("data"))

    def _on_event(self, message: Any) -> None:
        event = orjson.loads(message.body)
        if event["data"].get("status") != "ended":
            return
        activeflow_id = event["data"]["id"]
        user = self._waiting.pop(activeflow_id, None)
        if user is None:
            self._ended.add(activeflow_id)
        else:
            self._go_on(user, None)


Start = Callable[[Pump], Callable[[], User]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that is measured. `start` prepares what all users need and returns how one user behaves, endlessly."""

    name: str
    start: Start
    listens: bool = False
    """Needs our events."""
    peers: bool = False
    """Needs stub managers."""
    last: bool = False
    """Leaves threads and memory behind that others should not be measured with."""
    least: str = "next"
    """Which of the least workers does what every worker must do for it."""
