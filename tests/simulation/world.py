"""The simulated surroundings: broker, peers, worker processes that die, and time that moves when nobody can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar, cast
from uuid import NAMESPACE_OID, UUID, uuid5

import orjson

from flowmanager.bootstrap import all_subscriptions, make_engine, make_router
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import BrokerLost, PeerError, PeerTimeout, StoreLost
from flowmanager.orchestrator.engine import Work
from flowmanager.orchestrator.recovery import Recovery
from flowmanager.ports import Ask, Message, MessageKind, Transaction
from flowmanager.receiver import Aftermath, EventReceiver, RequestReceiver, Size
from flowmanager.settings import Settings
from flowmanager.simulation.memory_store import MemoryStore
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.link import Link
from tests.simulation.scheduler import Scheduler

T = TypeVar("T")
REQUEST, EVENT = "request", "event"
SETTINGS = Settings()
CUSTOMER = "c0000000-0000-4000-8000-000000000001"


@dataclass
class Faults:
    """How likely things go wrong at each place where they can; all zero: nothing does."""

    store_lost: float = 0.0
    broker_lost: float = 0.0
    answer_lost: float = 0.0
    peer_error: float = 0.0
    duplicate_event: float = 0.0


QUIET = Faults()


class SeededIds:
    """Ids by the seed."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def new(self) -> Id:
        """Return an id that nobody else has."""
        return str(UUID(int=self._random.getrandbits(128), version=4))


@dataclass
class Effect:
    """A request that a peer received."""

    key: str
    peer: str
    uri: str
    body: Any


@dataclass
class World:
    """Everything outside the worker processes."""

    seed: int
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.seed)
        self.random = self.scheduler.random
        self.store = MemoryStore()
        self.clock = self.store.clock
        self.ids = SeededIds(self.random)
        self.queues: dict[str, list[Delivery]] = {REQUEST: [], EVENT: []}
        self.replies: dict[str, list[bytes]] = defaultdict(list)
        self.published: list[Message] = []
        self.effects: list[Effect] = []
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.elapsed = 0.0
        self.workers: list[Worker] = []
        self.kill_at: set[int] = set()
        """At which changes of the baton a worker dies, and another one is started."""

    def pause(self, wanted: Callable[[], bool] | None = None) -> None:
        """Let others run."""
        self.scheduler.pause(wanted)

    def sleep(self, seconds: float) -> None:
        """Let others run until time has passed."""
        until = self.elapsed + seconds
        self.pause(lambda: self.elapsed >= until)

    def happens(self, probability: float) -> bool:
        """Say whether something happens this time."""
        return probability > 0 and self.random.random() < probability

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something when time has passed."""
        self.agenda.append((self.elapsed + seconds, len(self.agenda), act))

    def advance(self, seconds: float) -> None:
        """Let time pass and do what is due."""
        self.elapsed += seconds
        self.clock.advance(seconds)
        due = sorted(one for one in self.agenda if one[0] <= self.elapsed)
        self.agenda = [one for one in self.agenda if one[0] > self.elapsed]
        for _, _, act in due:
            act()

    def run(self, done: Callable[[], bool], *, most: int = 40_000) -> None:
        """Let everybody work until something is reached."""
        while not done():
            assert self.scheduler.switches < most, f"seed {self.seed}: nothing is reached"
            if self.scheduler.switches in self.kill_at:
                self.kill_at.discard(self.scheduler.switches)
                self.kill_worker()
                self.start_worker()
            if not self.scheduler.step():
                self.advance(0.5)
            elif self.random.random() < 0.05:
                self.advance(self.random.random() * 0.2)

    def settle(self, seconds: float) -> None:
        """Let time pass without faults, and everybody work as long as there is something to do."""
        end = self.elapsed + seconds
        self.run(lambda: self.elapsed >= end, most=self.scheduler.switches + 20_000)

    def put(self, queue: str, delivery: Delivery) -> None:
        """Queue a message, sometimes not at the end."""
        waiting = self.queues[queue]
        waiting.insert(self.random.randint(max(len(waiting) - 2, 0), len(waiting)), delivery)

    def send_event(self, body: dict[str, Any]) -> None:
        """Queue an event, perhaps twice."""
        delivery = Delivery(queue=EVENT, body=orjson.dumps(body), message_id=self.ids.new())
        for _ in range(2 if self.happens(self.faults.duplicate_event) else 1):
            self.put(EVENT, delivery)

    def start_worker(self) -> None:
        """Start a worker process."""
        self.workers.append(Worker(self))

    def kill_worker(self) -> None:
        """Kill a worker process where it stands; the broker gives its messages to others."""
        worker = self.random.choice(self.workers)
        self.workers.remove(worker)
        self.scheduler.kill(worker)
        for delivery in worker.unacked:
            self.put(delivery.queue, replace(delivery, redelivered=True))
        worker.unacked.clear()

    @property
    def idle(self) -> bool:
        """Say whether no message is waiting or in work."""
        return not any(self.queues.values()) and not any(worker.unacked for worker in self.workers)


class Worker:
    """One worker process: a few lanes and a sweeper."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.store = FaultyStore(world)
        self.engine = make_engine(SETTINGS, self.store, worker_id=world.ids.new())
        self.engine = replace(self.engine, ids=world.ids, sleep=world.sleep)
        router = make_router(self.engine)
        aftermath, size = Aftermath(router), Size(SETTINGS.max_body_bytes, SETTINGS.max_json_depth)
        self.aftermath = aftermath
        self.requests = RequestReceiver(self.engine, router, aftermath, size)
        self.events = EventReceiver(self.engine, router, all_subscriptions(), aftermath, size)
        self.recovery = Recovery(self.engine, self.store, router.app.turns, SETTINGS.orphan_seconds)
        self.link = SimLink(world)
        self.unacked: list[Delivery] = []
        world.store.heartbeat(self.engine.worker_id)
        for queue in (REQUEST, REQUEST, EVENT):
            world.scheduler.spawn(lambda queue=queue: self.lane(queue), self)  # type: ignore[misc]
        world.scheduler.spawn(self.sweep, self)

    def lane(self, queue: str) -> None:
        """Take one message after the other."""
        receiver = self.requests if queue == REQUEST else self.events
        while True:
            self.world.pause(lambda: bool(self.world.queues[queue]))
            delivery = self.world.queues[queue].pop(0)
            self.unacked.append(delivery)
            try:
                receiver.handle(delivery, cast(Link, self.link))
                self.world.pause()
            except (BrokerLost, StoreLost):
                self.world.put(queue, replace(delivery, redelivered=True))
            self.unacked.remove(delivery)

    def sweep(self) -> None:
        """Do the duties of the sweeper every two seconds."""
        due = self.world.elapsed
        while True:
            due = max(due + 2.0, self.world.elapsed)
            self.world.pause(lambda moment=due: self.world.elapsed >= moment)  # type: ignore[misc]
            try:
                self.store.heartbeat(self.engine.worker_id)
                self.recovery.fire_timers(self.work, self.complete)
                self.recovery.take_over(self.work, self.complete)
                self.aftermath.send(self.engine, self.store.late_messages(seconds=5, limit=100), self.link)
            except (BrokerLost, StoreLost):
                continue

    def work(self) -> Work:
        """Return the work of one activeflow."""
        return Work(self.engine, self.link)

    def complete(self, work: Work) -> None:
        """Publish and go on."""
        self.aftermath.complete(work, self.link)


class FaultyStore(MemoryStore):
    """The shared store as one process sees it: others run around each commit, and the connection breaks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = world.clock

    @property
    def tables(self) -> Any:
        """The shared tables."""
        return self.world.store.tables

    @tables.setter
    def tables(self, value: Any) -> None:
        self.world.store.tables = value

    def run(self, work: Callable[[Transaction], T], *, on: Id | None = None) -> T:
        """Run a transaction; when the connection breaks nobody knows whether it was committed."""
        self.world.pause()
        if self.world.happens(self.world.faults.store_lost):
            raise StoreLost
        result = super().run(work, on=on)
        self.world.pause()
        if self.world.happens(self.world.faults.store_lost):
            raise StoreLost
        return result

    def look(self, work: Callable[[Transaction], T]) -> T:
        """Read; others run before it, and the connection breaks."""
        self.world.pause()
        if self.world.happens(self.world.faults.store_lost):
            raise StoreLost
        return super().look(work)

    def unpublished(self, activeflow_ids: Sequence[Id]) -> list[Message]:
        """Read the outbox."""
        self.world.pause()
        return super().unpublished(activeflow_ids)

    def published(self, messages: Sequence[Message]) -> None:
        """Clear the outbox."""
        self.world.pause()
        super().published(messages)


class SimLink:
    """What a lane says to the world: Rpc, publisher and replies."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rpc = self.publisher = self

    def reply(self, delivery: Delivery, body: bytes, **_how: bool) -> None:
        """Answer a request."""
        self.fault()
        if delivery.reply_to:
            self.world.replies[delivery.reply_to].append(body)
        self.world.pause()

    def publish(self, messages: Sequence[Message]) -> None:
        """Publish; when the connection breaks some may have left."""
        for message in messages:
            self.fault()
            if message.kind is MessageKind.EVENT:
                self.world.published.append(message)
        self.fault()

    def call(self, ask: Ask) -> Any:
        """Ask a peer; it may have done what it was asked when the answer is lost."""
        self.fault()
        if self.world.happens(self.world.faults.peer_error):
            raise PeerError(ask.peer, 503)
        self.world.effects.append(Effect(ask.key, ask.peer, ask.uri, ask.body))
        answer = peer_answer(self.world, ask)
        self.world.pause()
        if self.world.happens(self.world.faults.answer_lost):
            raise PeerTimeout(ask.peer, ask.seconds)
        self.fault()
        return answer

    def fault(self) -> None:
        """Let others run; perhaps lose the connection."""
        self.world.pause()
        if self.world.happens(self.world.faults.broker_lost):
            raise BrokerLost


def peer_answer(world: World, ask: Ask) -> Any:
    """Return what a peer answers; what follows comes later. The same key gets the same answer."""
    made = str(uuid5(NAMESPACE_OID, f"peer:{ask.key}"))
    if ask.uri.endswith("/actions"):
        world.later(world.random.random() * 2, lambda: media_done(world, ask))
    if ask.uri == "/v1/services/type/queuecall":
        join = str(uuid5(NAMESPACE_OID, f"join:{made}"))
        wait = {"id": str(uuid5(NAMESPACE_OID, f"wait:{made}")), "type": "talk", "option": {"text": "wait"}}
        again = {"id": str(uuid5(NAMESPACE_OID, f"again:{made}")), "type": "empty", "next_id": wait["id"]}
        return {"id": made, "push_actions": [wait, again, {"id": join, "type": "confbridge_join"}]}
    if ask.uri.endswith("/status_waiting"):
        queuecall = ask.uri.split("/")[3]
        world.later(world.random.random() * 3, lambda: agent_found(world, queuecall))
    return {"id": made}


def media_done(world: World, ask: Ask) -> None:
    """Report that an action on a call is complete."""
    data = {"action_id": ask.body["action"]["id"], "activeflow_id": ask.body["activeflow_id"]}
    world.send_event({"type": "media", "event": "done", "call_id": ask.uri.split("/")[3], "data": data})


def agent_found(world: World, queuecall: Id) -> None:
    """Send the flow to the bridge with its agent, wherever the flow is."""
    flows = (one for one in world.store.tables.activeflows.values() if queuecall in one.stacks.frames)
    for flow in flows:
        join = str(uuid5(NAMESPACE_OID, f"join:{queuecall}"))
        data = {"forward_action_id": join, "forward_now": True}
        uri = f"/v1/activeflows/{flow.id}/forward_action_id"
        body = {"uri": uri, "method": "PUT", "data": data, "request_id": world.ids.new()}
        world.put(REQUEST, Delivery(queue=REQUEST, body=orjson.dumps(body)))


__all__ = ["CUSTOMER", "NIL", "QUIET", "Effect", "Faults", "World"]
