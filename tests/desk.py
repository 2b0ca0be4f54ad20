"""A desk without a broker: messages go in by hand; answers, records, events and questions to peers come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, NamedTuple, cast
from uuid import uuid4

import orjson
from sqlalchemy import Table, select, update

from flowmanager.bootstrap import all_subscriptions, make_breakers, make_engine, make_router
from flowmanager.core.ids import START, Id
from flowmanager.errors import BrokerLost, PeerError
from flowmanager.orchestrator.recovery import Recovery
from flowmanager.ports import Ask, Message, MessageKind
from flowmanager.receiver import Aftermath, EventReceiver, RequestReceiver, Size
from flowmanager.settings import Settings
from flowmanager.store.engine import Engines
from flowmanager.store.sql_store import SqlStore
from flowmanager.store.tables import activeflows, answers, flows, metadata, outbox, workers
from flowmanager.sweeper import Seconds, Sweeper, pulse
from flowmanager.transport.envelope import Delivery, request_body
from flowmanager.transport.link import Link, StandingLink
from tests.fakes import ScriptedRpc

Json = dict[str, Any]
SWEEP = Seconds(heartbeat=2, timer=0.2, outbox=5, purge=60)
ORPHAN_SECONDS = 10.0


class Killed(BaseException):
    """The worker process dies here: nothing after it is done, no `except Exception` sees it."""


class Answer(NamedTuple):
    """What a caller is told."""

    status: int
    data: Any

    @property
    def reason(self) -> str:
        """The reason of a typed error."""
        return str(self.data["reason"])


def new_id() -> Id:
    """A fresh id."""
    return str(uuid4())


def act(action_type: str, /, **option: Any) -> Json:
    """An action as requests bring it; `id` and `next_id` stand beside the option."""
    action: Json = {key: option.pop(key) for key in ("id", "next_id") if key in option}
    action["type"] = action_type
    return {**action, "option": option} if option else action


def peer_error(peer: str, status: int, reason: str) -> PeerError:
    """A typed error of another manager."""
    typed = {"status": "NOT_FOUND", "reason": reason, "domain": f"{peer}-manager", "message": "told by the peer"}
    return PeerError(peer, status, typed)


class Outside(ScriptedRpc):
    """All that is outside the process: peers that answer as told, and a broker that keeps messages.

    A callable as an answer is called; call-manager carries out media actions unless told otherwise.
    """

    def __init__(self) -> None:
        super().__init__({})
        self.published: list[Message] = []
        self.replies: list[tuple[Delivery, bytes]] = []
        self.parked: list[tuple[Delivery, str]] = []
        self.moved: list[Delivery] = []
        self.down = False
        self.dies_after_commit = False
        self.rpc = self.publisher = self

    def teach(self, pattern: str, answer: Any = None) -> None:
        """Answer questions like `queue POST /v1/*` from now on; the latest lesson counts."""
        self.answers = {pattern: answer, **{key: old for key, old in self.answers.items() if key != pattern}}

    def given(self, answer: Any) -> Any:
        """Return or raise an answer."""
        told = answer(self.asks[-1]) if callable(answer) else answer
        if isinstance(told, BaseException):
            raise told
        return told

    def publish(self, messages: Sequence[Message]) -> None:
        """Take messages, unless the broker is down."""
        self.fail()
        self.published += messages

    def reply(self, delivery: Delivery, body: bytes, **_how: bool) -> None:
        """Take an answer."""
        self.fail()
        if delivery.reply_to:
            self.replies.append((delivery, body))

    def next_in(self, _queue: str) -> None:
        """Nothing waits."""

    def move_to_crowd(self, delivery: Delivery, more: Sequence[Delivery] = ()) -> None:
        """Take requests that have to wait."""
        self.fail()
        self.moved += (delivery, *more)

    def park_malformed(self, delivery: Delivery, why: str) -> bool:
        """Take what cannot be read."""
        self.fail()
        self.parked.append((delivery, why))
        return True

    def fail(self) -> None:
        """Raise what the test asks for."""
        if self.dies_after_commit:
            raise Killed
        if self.down:
            raise BrokerLost

    def tick(self) -> None:
        """Nothing is to be kept alive."""

    def declare(self) -> None:
        """Nothing is to be declared."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Desk:
    """One worker process whose messages are handed to it one at a time, and what it shares with others."""

    store: SqlStore
    engines: Engines
    settings: Settings = field(default_factory=lambda: Settings(relief_threads=0))
    outside: Outside = field(default_factory=Outside)
    customer_id: Id = field(default_factory=new_id)
    clock: Callable[[], float] = monotonic
    """What the circuit breakers go by."""

    def __post_init__(self) -> None:
        self.worker_id = new_id()
        engine = make_engine(self.settings, self.store, worker_id=self.worker_id)
        self.engine = replace(engine, breakers=make_breakers(self.settings, engine.metrics, clock=self.clock))
        self.router = make_router(self.engine)
        aftermath, size = Aftermath(self.router), Size(self.settings.max_body_bytes, self.settings.max_json_depth)
        self.requests = RequestReceiver(self.engine, self.router, aftermath, size)
        self.listener = EventReceiver(self.engine, self.router, all_subscriptions(), aftermath, size)
        self.recovery = Recovery(self.engine, self.store, self.router.app.turns, ORPHAN_SECONDS)
        self.sweeper = Sweeper(self.engine, self.recovery, aftermath, cast(StandingLink, self.outside), pulse(SWEEP))
        self.outside.teach("call POST /v1/calls/*/actions")
        self.store.heartbeat(self.worker_id)

    def colleague(self, **settings: Any) -> Desk:
        """Another worker process on the same database and broker."""
        chosen = Settings(**settings) if settings else self.settings
        return Desk(self.store, self.engines, chosen, self.outside, self.customer_id, self.clock)

    def hand(self, body: bytes, **properties: Any) -> Answer:
        """Hand a request message to the worker and return the answer; status 0: there was none."""
        delivery = Delivery(queue="request", body=body, **{"reply_to": "caller", **properties})
        self.requests.handle(delivery, cast(Link, self.outside))
        bodies = [body for asked, body in self.outside.replies if asked is delivery]
        assert len(bodies) <= 1
        envelope = orjson.loads(bodies[0]) if bodies else {"status_code": 0}
        return Answer(envelope["status_code"], envelope.get("data"))

    def request(self, method: str, uri: str, data: Any = None, **properties: Any) -> Answer:
        """Send a request. `request_id` goes into the envelope, everything else is a property of the message."""
        request_id = properties.pop("request_id", "")
        body = request_body(Ask(peer="flow", method=method, uri=uri, body=data, key=request_id), publisher="tests")
        return self.hand(body, **{"correlation_id": new_id(), **properties})

    def get(self, uri: str, data: Any = None, **properties: Any) -> Answer:
        """GET."""
        return self.request("GET", uri, data, **properties)

    def post(self, uri: str, data: Any = None, **properties: Any) -> Answer:
        """POST."""
        return self.request("POST", uri, data, **properties)

    def put(self, uri: str, data: Any = None, **properties: Any) -> Answer:
        """PUT."""
        return self.request("PUT", uri, data, **properties)

    def delete(self, uri: str, **properties: Any) -> Answer:
        """DELETE."""
        return self.request("DELETE", uri, **properties)

    def event(self, body: Json, **properties: Any) -> None:
        """Send an event."""
        self.receive(orjson.dumps(body), **properties)

    def receive(self, body: bytes, **properties: Any) -> None:
        """Hand an event message to the worker."""
        self.listener.handle(Delivery(queue="event", body=body, **properties), cast(Link, self.outside))

    def flow(self, *actions: Json, **fields: Any) -> Id:
        """Store a flow and return its id."""
        body = {"customer_id": self.customer_id, "persist": True, "actions": list(actions), **fields}
        status, data = self.post("/v1/flows", body)
        assert status == 200, data
        return str(data["id"])

    def create(self, flow_id: Id, **fields: Any) -> Answer:
        """Create an activeflow of a flow, on a new call unless told otherwise."""
        reference = {"reference_type": "call", "reference_id": new_id()}
        return self.post(
            "/v1/activeflows", {"customer_id": self.customer_id, "flow_id": flow_id, **reference, **fields}
        )

    def start(self, *actions: Json, on_complete: Id = "", **fields: Any) -> Run:
        """Store a flow and create an activeflow of it; nothing has run yet."""
        extra = {"on_complete_flow_id": on_complete} if on_complete else {}
        status, data = self.create(self.flow(*actions, **extra), **fields)
        assert status == 200, data
        return Run(self, data["id"], data["reference_id"])

    def run(self, activeflow_id: Id) -> Run:
        """Speak to an activeflow that exists."""
        found = Run(self, activeflow_id)
        found.reference_id = found.record["reference_id"]
        return found

    def children(self, parent: Run) -> list[Run]:
        """The activeflows that the end of another one started."""
        wanted = {"reference_activeflow_id": parent.id}
        return [self.run(one["id"]) for one in self.get("/v1/activeflows?page_size=1000", wanted).data]

    def sweep(self) -> None:
        """One round of timers, take-overs and left-over messages."""
        self.recovery.fire_timers(self.sweeper.work, self.sweeper.complete)
        self.recovery.take_over(self.sweeper.work, self.sweeper.complete)
        self.sweeper.publish_late(self.store, SWEEP.outbox)

    def later(self, seconds: float) -> None:
        """Let time pass: records, deadlines, heartbeats and unpublished messages get older."""
        aged = (
            (activeflows, "wait_until"),
            (activeflows, "tm_end"),
            (workers, "tm_heartbeat"),
            (outbox, "tm_create"),
            (flows, "tm_expire"),
            (flows, "tm_create"),
            (activeflows, "tm_create"),
            (answers, "tm_expire"),
        )
        with self.engines.transactions.begin() as connection:
            for table, name in aged:
                [key] = table.primary_key.columns
                for row in connection.execute(select(key, table.c[name]).where(table.c[name].is_not(None))):
                    older = {name: row[1] - timedelta(seconds=seconds)}
                    connection.execute(update(table).where(key == row[0]).values(older))

    def same_time(self) -> None:
        """Make everything as old as everything else."""
        with self.engines.transactions.begin() as connection:
            for table in (flows, activeflows):
                moment_ = connection.execute(select(table.c.tm_create)).scalars().first()
                connection.execute(update(table).values(tm_create=moment_))

    def dies_in(self, pattern: str, act_of_dying: Callable[[], object]) -> None:
        """Do something during which the process is killed while it asks a peer; afterwards that peer answers again."""
        known = self.outside.answers
        self.outside.teach(pattern, Killed())
        try:
            act_of_dying()
        except Killed:
            self.outside.answers = known
        else:
            raise AssertionError(f"nobody asked {pattern}")

    @property
    def asked(self) -> list[str]:
        """What peers were asked so far, webhooks and direct hashes left out."""
        return self.outside.lines

    def sent(self, *, kind: MessageKind = MessageKind.EVENT) -> list[Json]:
        """The messages that left so far, with their `id`."""
        messages = [message for message in self.outside.published if message.kind is kind]
        return [{**orjson.loads(message.body), "id": message.id} for message in messages]

    def events(self, *subjects: Run) -> list[str]:
        """The types of the events that left so far, of some activeflows or of everything."""
        ids = {one.id for one in subjects}
        return [one["type"] for one in self.sent() if not ids or one["data"]["id"] in ids]


@dataclass
class Run:
    """One activeflow, seen from whoever drives it. `seen` is the action that its caller believes to be current."""

    desk: Desk
    id: Id
    reference_id: Id = ""
    seen: Id = START

    @property
    def uri(self) -> str:
        """Its URI."""
        return f"/v1/activeflows/{self.id}"

    def get(self) -> Json:
        """What GET shows."""
        status, data = self.desk.get(self.uri)
        assert status == 200, data
        return cast(Json, data)

    @property
    def record(self) -> Json:
        """The same."""
        return self.get()

    @property
    def state(self) -> str:
        """Its state."""
        return str(self.record["state"])

    @property
    def ended(self) -> str | None:
        """Why it ended; None: it runs."""
        record = self.record
        assert (record["status"] == "ended") == (record["ended_reason"] is not None)
        return cast("str | None", record["ended_reason"])

    @property
    def current(self) -> Json:
        """Its current action."""
        return cast(Json, self.record["current_action"])

    @property
    def at(self) -> str:
        """The text of the current action's option, else its type."""
        action = self.current
        return str(action.get("option", {}).get("text") or action.get("type", ""))

    @property
    def variables(self) -> dict[str, str]:
        """Its variables, except those that every activeflow has."""
        given = self.record["variables"].items()
        return {key: value for key, value in given if not key.startswith("voipbin.activeflow.")}

    @property
    def history(self) -> list[str]:
        """Its history as `type result` lines."""
        return [f"{one['type']} {one['result']}" for one in self.record.get("executed_actions", [])]

    @property
    def said(self) -> list[str]:
        """The texts that call-manager was told to say for it."""
        asks = (ask for ask in self.desk.outside.asks if ask.uri == f"/v1/calls/{self.reference_id}/actions")
        return [ask.body["action"]["option"]["text"] for ask in asks if ask.body["activeflow_id"] == self.id]

    def find(self, text: str) -> Id:
        """The id of the action of any frame that says this text or is of this type."""
        actions = [action for frame in self.record["stack_map"].values() for action in frame["actions"] or ()]
        found = [one["id"] for one in actions if text in (one["type"], one.get("option", {}).get("text"))]
        return str(found[0])

    def next(self, *, seen: Id = "", **properties: Any) -> Answer:
        """Ask for the next action as the caller does."""
        answer = self.desk.get(f"{self.uri}/next", {"current_action_id": seen or self.seen}, **properties)
        if answer.status == 200:
            self.seen = answer.data["id"]
        return answer

    def walk(self, *, most: int = 50) -> list[str]:
        """Ask for the next action again and again; return what was handed out, `finish` last."""
        found = []
        for _ in range(most):
            status, action = self.next()
            assert status == 200, action
            found.append(action.get("option", {}).get("text") or action.get("type", "finish"))
            if found[-1] == "finish":
                break
        return found

    def execute(self, **properties: Any) -> Answer:
        """Start it, or resume it from a block."""
        return self.desk.post(f"{self.uri}/execute", **properties)

    def go_on(self, seen: Id = "", **properties: Any) -> Answer:
        """Resume it from a block by `continue`."""
        body = {"current_action_id": seen or self.current["id"]}
        return self.desk.post(f"{self.uri}/continue", body, **properties)

    def stop(self, **properties: Any) -> Answer:
        """End it."""
        return self.desk.post(f"{self.uri}/stop", **properties)

    def delete(self, **properties: Any) -> Answer:
        """Delete it."""
        return self.desk.delete(self.uri, **properties)

    def push(self, *actions: Json, **properties: Any) -> Answer:
        """Push actions."""
        return self.desk.post(f"{self.uri}/push_actions", {"actions": list(actions)}, **properties)

    def add(self, *actions: Json, **properties: Any) -> Answer:
        """Add actions behind the current one."""
        return self.desk.post(f"{self.uri}/add_actions", {"actions": list(actions)}, **properties)

    def forward(self, target_id: Id, *, now: bool = False, **properties: Any) -> Answer:
        """Jump."""
        body = {"forward_action_id": target_id, "forward_now": now}
        return self.desk.put(f"{self.uri}/forward_action_id", body, **properties)

    def service_stop(self, service_id: Id, **properties: Any) -> Answer:
        """Say that a service is over."""
        return self.desk.post(f"{self.uri}/service_stop", {"service_id": service_id}, **properties)

    def stacks(self) -> list[Json]:
        """Its frames, the main one first."""
        return cast("list[Json]", self.desk.get(f"{self.uri}/stacks").data)

    def set_variables(self, variables: Json, **properties: Any) -> Answer:
        """Set variables."""
        return self.desk.post(f"/v1/variables/{self.id}/variables", {"variables": variables}, **properties)

    def done(self, action_id: Id = "", **more: Any) -> None:
        """Media event, short format: the current action, or the one named, is complete."""
        named = {"action_id": action_id} if action_id else {}
        self.desk.event({"type": "media", "event": "done", "call_id": self.reference_id, **named}, **more)

    def press(self, digit: str) -> None:
        """The caller presses a key."""
        data = {"call_id": self.reference_id, "digit": digit}
        self.desk.event({"type": "dtmf_received", "publisher": "call-manager", "data": data})

    def hang_up(self, **properties: Any) -> None:
        """The caller hangs up."""
        data = {"id": self.reference_id, "activeflow_id": self.id}
        self.desk.event({"type": "call_hangup", "publisher": "call-manager", "data": data}, **properties)


def moment(text: str) -> datetime:
    """A time of the wire."""
    return datetime.fromisoformat(text)


def talk(text: str, **option: Any) -> Json:
    """A `talk`."""
    return act("talk", text=text, **option)


def service(service_id: Id, *actions: Json) -> Json:
    """The answer of a service that was started."""
    return {"id": service_id, "type": "service", "push_actions": list(actions)}


def during(*acts: Callable[[], object], answer: Any = None) -> Callable[[Ask], Any]:
    """An answer before which something else happens: the peer was asked and has not answered yet."""
    waiting = iter([list(acts)])

    def answered(_ask: Ask) -> Any:
        for one in next(waiting, []):
            one()
        return answer

    return answered


def clear(engines: Engines, tables: Iterable[Table] = metadata.sorted_tables) -> None:
    """Delete all rows."""
    with engines.transactions.begin() as connection:
        for table in tables:
            connection.execute(table.delete())


def after(call: Callable[..., object], *arguments: Any) -> Callable[[], object]:
    """Something to do later."""
    return partial(call, *arguments)
