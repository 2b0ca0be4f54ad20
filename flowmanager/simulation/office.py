"""flow-manager and all around it in one process: the real engine on a store in memory and a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, cast
from uuid import UUID

import orjson

from flowmanager import routes as route_package
from flowmanager.bootstrap import all_subscriptions, make_app, make_engine
from flowmanager.core.ids import Id
from flowmanager.discover import collect
from flowmanager.errors import FlowManagerError, PeerError
from flowmanager.metrics import Metrics
from flowmanager.orchestrator.breaker import Breakers, Rule
from flowmanager.orchestrator.engine import Work
from flowmanager.orchestrator.recovery import Recovery
from flowmanager.ports import Ask
from flowmanager.receiver import Aftermath, EventReceiver, RequestReceiver, Size
from flowmanager.route import Route, Router
from flowmanager.settings import Settings
from flowmanager.simulation import script_events, telling
from flowmanager.simulation.clock import Agenda, Clock
from flowmanager.simulation.director import Director
from flowmanager.simulation.line import Line
from flowmanager.simulation.memory_store import MemoryStore, MemoryTransaction
from flowmanager.simulation.observed import observed_executors
from flowmanager.simulation.peers import Peers
from flowmanager.simulation.recorder import Recorder
from flowmanager.simulation.rules import ScriptRules
from flowmanager.simulation.script import Script
from flowmanager.simulation.web import ScriptedWeb
from flowmanager.subscription import Subscription
from flowmanager.transport.envelope import Delivery, read_answer, request_body
from flowmanager.transport.link import Link

SETTINGS = Settings()
WORKER = "00000000-0000-4000-8000-00000000f10e"
MANY = 1000
"""Requests under way at the same time: in one thread they only ever lie inside each other."""
MOST_TURNS = 20_000
"""Things that may happen in a simulation: one that never comes to rest must end some day."""


class Endless(FlowManagerError):
    """The simulation does not come to rest."""


class SeededIds:
    """Ids that are the same in each run."""

    def __init__(self) -> None:
        self._random = Random(0)

    def new(self) -> Id:
        """Return an id that nobody else has."""
        return str(UUID(int=self._random.getrandbits(128), version=4))


class WatchedStore(MemoryStore):
    """A store that tells what each transaction changed."""

    def __init__(self, clock: Clock, recorder: Recorder) -> None:
        super().__init__(clock)
        self.recorder = recorder

    def committed(self, transaction: MemoryTransaction) -> None:
        """Tell it."""
        self.recorder.committed(transaction.tables, transaction.touched)


@cache
def all_routes() -> list[Route]:
    """Return the routes, found once. A path without a variable goes before one with."""
    return sorted(collect(route_package, Route), key=lambda one: one.template.count("{"))


@cache
def subscriptions() -> Mapping[tuple[str, str], Subscription]:
    """Return what is made of events, found once."""
    return all_subscriptions()


@cache
def metrics() -> Metrics:
    """Return counters that nobody looks at."""
    return Metrics()


class Office:
    """One simulation: whoever drives it makes requests and lets time pass."""

    def __init__(self, script: Script, director: Director) -> None:
        """Nothing happens yet."""
        self.script, self.director = script, director
        # In a zone with summer time an hour more on the clock is not always an hour later.
        self.clock = Clock(script.start.astimezone(UTC))
        self.agenda, self.ids = Agenda(self.clock), SeededIds()
        self.recorder = Recorder(self.clock)
        self.store = WatchedStore(self.clock, self.recorder)
        self.peers = Peers(self, self.agenda, self.ids, script)
        rules = ScriptRules(script.peers)
        self.line = Line(self.peers, self.recorder, rules, director, self.run_for)
        self.peers.waits = self.line.keep_back
        self.watchers: list[Callable[[], None]] = []
        """Called whenever something has happened."""
        self.turns = 0
        self.flow_id: Id = ""
        """The flow under test."""
        self.engine = self.make_engine()
        router = Router(make_app(self.engine), all_routes())
        aftermath = self.aftermath = Aftermath(router)
        size = Size(SETTINGS.max_body_bytes, SETTINGS.max_json_depth)
        self.requests = RequestReceiver(self.engine, router, aftermath, size)
        self.receiver = EventReceiver(self.engine, router, subscriptions(), aftermath, size)
        self.recovery = Recovery(self.engine, self.store, router.app.turns, SETTINGS.orphan_seconds)

    def make_engine(self) -> Any:
        """Return the engine that a worker has, with this clock, these ids and somebody who looks on."""
        rule = Rule(
            failures=SETTINGS.breaker_failures,
            seconds=SETTINGS.breaker_seconds,
            calls=MANY,
            wait_seconds=SETTINGS.peer_wait_seconds,
        )
        return replace(
            make_engine(SETTINGS, self.store, worker_id=WORKER, metrics=metrics()),
            executors=observed_executors(self.recorder, self.director),
            ids=self.ids,
            sleep=self.run_for,
            web=ScriptedWeb(script=self.script, director=self.director, recorder=self.recorder, wait=self.run_for),
            breakers=Breakers(rule, metrics(), str, clock=lambda: self.recorder.now),
        )

    # What the other managers need of a broker.

    def publish_event(self, _manager: str, body: Mapping[str, Any]) -> None:
        """Bring an event of another manager to flow-manager, as soon as what happens now has happened."""
        self.send_event(body)

    def send_event(self, body: Mapping[str, Any]) -> None:
        """Bring an event to flow-manager."""
        delivery = Delivery(queue="event", body=orjson.dumps(body), message_id=self.ids.new())
        self.peers.after(0, lambda: self.receiver.handle(delivery, cast(Link, self.line)))

    def bring(self, body: Mapping[str, Any]) -> None:
        """Bring a raw event of a script, and tell whether anybody here listens to such."""
        event = script_events.decoded(body)
        subscription = subscriptions().get((event.source, event.name))
        why = "flow-manager does not listen to it" if subscription is None else ""
        if subscription is not None and subscription.read(event) is None:
            why = "flow-manager makes nothing of it: an id or a value that it needs is missing"
        self.recorder.add("event", script_events.told(body) + (f" ({why})" if why else ""), body=body)
        self.send_event(body)

    def demand(self, method: str, uri: str, data: Any) -> None:
        """Make a raw request of a script, and tell how it was answered."""
        entry = self.recorder.add("event", "", method=method, uri=uri, data=data)
        try:
            self.request(method, uri, data)
            told = "200"
        except PeerError as error:
            told = f"{error.peer_status_code}: {(error.typed or {}).get('message', '')}"
        entry.what = f"request {method} {uri} → {told}"

    def ask(self, ask: Ask) -> Any:
        """Ask flow-manager; see the port Rpc."""
        told = telling.request_of_others(ask.uri)
        if told:
            self.recorder.add("peer", told, method=ask.method, uri=ask.uri, data=ask.body)
        place = self.ids.new()
        body = request_body(ask, publisher="simulation")
        self.requests.handle(Delivery(queue="request", body=body, reply_to=place), cast(Link, self.line))
        return read_answer("flow", self.line.replies.pop(place))

    def request(self, method: str, uri: str, data: Any = None) -> Any:
        """Ask flow-manager as a person does. Raises PeerError."""
        return self.ask(Ask(peer="flow", method=method, uri=uri, body=data, key=self.ids.new()))

    # Time.

    def next_moment(self) -> datetime | None:
        """Return when something happens next; None: nothing ever."""
        moments = (self.agenda.next_due(), self.store.next_deadline())
        return min((one for one in moments if one), default=None)

    def run_for(self, seconds: float) -> None:
        """Let so much time pass, and what is due in it happen; who looks on knows what has happened until now."""
        self.look_on()
        self.run_until(self.clock.now + timedelta(seconds=seconds))

    def run_until(self, end: datetime) -> None:
        """Let everything happen that is due until a moment, then be at that moment."""
        while self.happen(end):
            pass
        self.clock.now = max(self.clock.now, end)

    def happen(self, end: datetime) -> bool:
        """Let the next thing happen; False: nothing is due until then. Raises Endless."""
        due = self.next_moment()
        if due is None or due > end:
            return False
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise Endless(f"more than {MOST_TURNS} things happened without an end")
        self.clock.now = max(self.clock.now, due)
        happened = self.agenda.next_due()
        if happened is not None and happened <= self.clock.now:
            self.agenda.timetable.run_due()
        else:
            self.recovery.fire_timers(self.work, self.complete)
        self.look_on()
        return True

    def look_on(self) -> None:
        """Show those who look on what has happened."""
        for watcher in self.watchers:
            watcher()

    def work(self) -> Work:
        """Return the work of one activeflow."""
        return Work(self.engine, self.engine.peers(self.line))

    def complete(self, work: Work) -> None:
        """Publish the events of one activeflow and start its children."""
        self.aftermath.complete(work, self.line)
