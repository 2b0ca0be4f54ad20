"""The composition root: the only module that knows which class stands behind which port."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from ipaddress import ip_network
from time import monotonic
from uuid import uuid4

import structlog

from flowmanager import executors as executor_package
from flowmanager import routes as route_package
from flowmanager import subscriptions as subscription_package
from flowmanager.checker import ActionChecker
from flowmanager.core.ids import Id
from flowmanager.crew import Crew, Member, Post
from flowmanager.discover import collect
from flowmanager.entrance import Entrance
from flowmanager.errors import InvalidSetting, StoreLost
from flowmanager.executor import Executor
from flowmanager.health import Health
from flowmanager.heart import Heart
from flowmanager.managers.web import Network, Web
from flowmanager.metrics import Metrics
from flowmanager.orchestrator.breaker import Breakers, Rule
from flowmanager.orchestrator.control import Control
from flowmanager.orchestrator.crowd import Crowd
from flowmanager.orchestrator.customers import Customers
from flowmanager.orchestrator.dispatch import Dispatch
from flowmanager.orchestrator.engine import Engine
from flowmanager.orchestrator.flow_stack import FlowStack
from flowmanager.orchestrator.flows import FlowStore
from flowmanager.orchestrator.jumps import Jumps
from flowmanager.orchestrator.lifecycle import Lifecycle
from flowmanager.orchestrator.recovery import Recovery
from flowmanager.orchestrator.talk import Talk
from flowmanager.orchestrator.tracing import Traces
from flowmanager.orchestrator.turn import Turns
from flowmanager.orchestrator.validator import Validator
from flowmanager.orchestrator.variables import VariableStore
from flowmanager.ports import Store
from flowmanager.random_ids import RandomIds
from flowmanager.receiver import Aftermath, EventReceiver, RequestReceiver, Size
from flowmanager.relay import Relay
from flowmanager.route import App, Route, Router
from flowmanager.schemas.envelopes import decode_request
from flowmanager.settings import Settings
from flowmanager.spans import NO_TRACER, Tracer
from flowmanager.store.engine import STATEMENT_SECONDS, make_engines
from flowmanager.store.sql_store import SqlStore
from flowmanager.subscription import Subscription
from flowmanager.sweeper import Duties, Seconds, Sweeper, pulse, turns
from flowmanager.transport.lane import Handle, Lane, LaneOptions
from flowmanager.transport.link import open_link
from flowmanager.transport.names import Names
from flowmanager.transport.session import BLOCKED
from flowmanager.transport.topology import Topology

log = structlog.get_logger()

RELIEF_IDLE_SECONDS = 0.5
"""How long a thread that stepped in waits for a message before it looks whether to leave: there may be hundreds."""
FIRST_LANE_SECONDS = 0.5
"""How long everything else waits for the first connection to the broker: ten times as long as it takes."""
LEAST_PEER_CALLS = 2
"""With one, every slow answer would hold up all who need that manager."""


def all_executors() -> dict[str, Executor]:
    """Return every action type by name. Raises ValueError for a name that two files define."""
    found = collect(executor_package, Executor)
    by_name = {one.name: one for one in found}
    if len(by_name) != len(found):
        raise ValueError("two executors have one name")
    return by_name


def all_subscriptions() -> dict[tuple[str, str], Subscription]:
    """Return every subscription by the events it reads. Raises ValueError for an event that two files read."""
    by_event: dict[tuple[str, str], Subscription] = {}
    for one in collect(subscription_package, Subscription):
        if one.events & by_event.keys():
            raise ValueError(f"two subscriptions read one event: {sorted(one.events & by_event.keys())}")
        by_event |= dict.fromkeys(one.events, one)
    return by_event


def make_tracer(settings: Settings) -> Tracer:
    """Return where spans go; only when that is set, OpenTelemetry is imported. Raises InvalidSetting."""
    if not settings.otel:
        return NO_TRACER
    try:
        made: Tracer = import_module("flowmanager.otel").make_tracer(Names(settings.queue_prefix))
    except ImportError as error:
        raise InvalidSetting("FLOWMANAGER_OTEL needs OpenTelemetry: pip install 'flowmanager[otel]'") from error
    return made


def make_engine(
    settings: Settings, store: Store, *, worker_id: Id, metrics: Metrics | None = None, tracer: Tracer = NO_TRACER
) -> Engine:
    """Return what all parts of the orchestrator share."""
    metrics = metrics or Metrics()
    return Engine(
        store=store,
        executors=all_executors(),
        limits=settings.limits,
        ids=RandomIds(),
        worker_id=worker_id,
        metrics=metrics,
        breakers=make_breakers(settings, metrics),
        media_wait_seconds=settings.media_wait_seconds,
        grace_seconds=settings.grace_seconds,
        max_flows=settings.max_flows,
        flow_warnings=settings.flow_warnings,
        stacked_types=frozenset(settings.stacked_reference_types.split(",")) - {""},
        max_active_flows=settings.max_active_flows,
        web=Web(allowed=networks(settings.fetch_allowed_networks)),
        tracer=tracer,
        crowd=Crowd(settings.threads),
    )


def make_breakers(settings: Settings, metrics: Metrics, *, clock: Callable[[], float] = monotonic) -> Breakers:
    """Return what keeps peers that fail from taking the threads of a process."""
    rule = Rule(
        failures=settings.breaker_failures,
        seconds=settings.breaker_seconds,
        calls=settings.peer_calls or max((settings.threads + settings.relief_threads + 1) // 2, LEAST_PEER_CALLS),
        wait_seconds=settings.peer_wait_seconds,
    )
    return Breakers(rule, metrics, Names(settings.queue_prefix).request_queue, clock=clock)


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a list. Raises InvalidSetting."""
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise InvalidSetting(f"FLOWMANAGER_FETCH_ALLOWED_NETWORKS: {error}") from error


def make_app(engine: Engine) -> App:
    """Return the orchestrator."""
    checker = ActionChecker(engine.executors, engine.ids, engine.limits.actions)
    turns, flow_stack = Turns(engine, Talk(engine)), FlowStack(engine)
    validator = Validator(engine)
    lifecycle, flows = Lifecycle(engine, flow_stack), FlowStore(engine, checker, validator)
    return App(
        engine=engine,
        turns=turns,
        lifecycle=lifecycle,
        flow_stack=flow_stack,
        control=Control(engine, checker, Jumps(turns)),
        flows=flows,
        variables=VariableStore(engine),
        dispatch=Dispatch(engine, turns),
        customers=Customers(lifecycle=lifecycle, flows=flows),
        validator=validator,
        traces=Traces(engine),
    )


def make_router(engine: Engine) -> Router:
    """Return the router over all routes. A path without a variable goes before one with."""
    routes = sorted(collect(route_package, Route), key=lambda one: one.template.count("{"))
    return Router(make_app(engine), routes)


def make_store(settings: Settings, *, statement_seconds: float = STATEMENT_SECONDS) -> SqlStore:
    """Return the database. Nothing is connected yet. `statement_seconds`: how long it may be silent."""
    engines = make_engines(settings.database_dsn, pool_size=pool_size(settings), statement_seconds=statement_seconds)
    return SqlStore(engines, answer_seconds=settings.answer_seconds)


def pool_size(settings: Settings) -> int:
    """Return how many connections each of the two pools may open."""
    return settings.threads * 3 + 3


def database_connections(settings: Settings) -> int:
    """Return how many connections to the database one process may open."""
    return 2 * pool_size(settings)


def broker_connections(settings: Settings) -> int:
    """Return how many connections to the broker one process may have: lanes, sweepers, relay, and who steps in."""
    permanent = settings.threads + 2 * half(settings.threads) + quarter(settings.threads)
    return permanent + turn_sweepers(settings) + 2 + settings.relief_threads


@dataclass(slots=True)
class Worker:
    """One worker process: its lanes, its sweepers, and the heartbeat, which is the last to end."""

    store: SqlStore
    engine: Engine
    lanes: list[Lane]
    sweepers: list[Sweeper]
    relay: Relay
    heart: Heart
    crew: Crew

    def watched(self, health: Health) -> None:
        """Have somebody watch over it."""
        health.watches((*self.lanes, *self.sweepers, self.relay, self.heart, self.crew))
        health.needs("broker", self.waits_for_broker)
        health.needs("database", self.heart.waits_for)

    def waits_for_broker(self) -> str:
        """Return what the lanes wait for that do not consume, or cannot send; empty: all of them do both."""
        if any(lane.blocked for lane in self.lanes):
            return BLOCKED
        missing = [lane for lane in self.lanes if not lane.ready.is_set()]
        return f"{len(missing)} of {len(self.lanes)} connections to the broker: {missing[0].fault}" if missing else ""

    def start(self) -> None:
        """Begin to serve. The first heartbeat comes before the first message: what it executes has an owner."""
        with suppress(StoreLost):
            self.store.heartbeat(self.engine.worker_id)
        self.heart.start()
        first, *others = self.lanes
        first.start()
        # It answers while all others connect, which takes the interpreter a tenth of a second and more.
        first.ready.wait(FIRST_LANE_SECONDS)
        self.relay.start()
        for sweeper in self.sweepers:
            sweeper.start()
        for lane in others:
            lane.start()
        self.crew.start()

    def ready(self, seconds: float) -> bool:
        """Wait until every lane consumes; say whether they do."""
        return all(lane.ready.wait(seconds) for lane in self.lanes)

    def stop(self, seconds: float) -> bool:
        """Finish what is in hand; say whether that was possible in time. Entrances close first, then what they use."""
        deadline = monotonic() + seconds
        self.crew.stop()
        for lane in self.lanes:
            lane.stop()
        self.crew.join(max(deadline - monotonic(), 0))
        for thread in (*self.lanes, *self.crew.relief):
            thread.join(max(deadline - monotonic(), 0))
        for sweeper in self.sweepers:
            sweeper.stop()
            sweeper.join(max(deadline - monotonic(), 1))
        self.relay.stop()
        self.relay.join(max(deadline - monotonic(), 1))
        self.heart.stop()
        self.heart.join(max(deadline - monotonic(), 1))
        threads: list[Member] = [*self.lanes, *self.sweepers, self.relay, self.heart, self.crew, *self.crew.relief]
        clean = not any(thread.is_alive() for thread in threads)
        if clean:
            self.store.close()
        self.engine.tracer.close()
        return clean


def make_worker(settings: Settings, *, metrics: Metrics | None = None, tracer: Tracer | None = None) -> Worker:
    """Return a worker that is ready to start. Raises InvalidSetting. `tracer`: None: the one that is set."""
    store = make_store(settings)
    metrics = metrics or Metrics()
    crew = Crew(settings.relief_threads, metrics)
    tracer = tracer or make_tracer(settings)
    engine = make_engine(settings, store, worker_id=str(uuid4()), metrics=metrics, tracer=tracer)
    engine = replace(engine, waits=crew.waiting)
    router = make_router(engine)
    size = Size(settings.max_body_bytes, settings.max_json_depth, settings.max_answer_bytes)
    topology = make_topology(settings)
    link = partial(open_link, settings.rabbitmq_address, names=topology.names, prepare=topology.declare)
    relay = Relay(partial(Aftermath(router).publish_now, engine), link())
    aftermath = Aftermath(router, relay.add)
    read = partial(decode_request, limit=size.bytes, depth=size.depth)
    requests = RequestReceiver(engine, router, aftermath, size, Entrance(engine, read) if settings.fair else None)
    events = EventReceiver(engine, router, all_subscriptions(), aftermath, size)
    recovery = Recovery(engine, store, router.app.turns, settings.orphan_seconds)
    seconds = Seconds(
        heartbeat=settings.heartbeat_seconds,
        timer=settings.timer_seconds,
        outbox=settings.outbox_seconds,
        purge=settings.purge_seconds,
        retention=settings.retention_seconds,
    )

    def sweeper(duties: Duties) -> Sweeper:
        return Sweeper(engine, recovery, aftermath, link(), duties)

    lanes = make_lanes(settings, topology, requests, events, crew)
    of_turns = [sweeper(turns(seconds)) for _ in range(turn_sweepers(settings))]
    crew.add(Post(lambda: sweeper(turns(seconds))), of_turns)
    return Worker(
        store=store,
        engine=engine,
        lanes=lanes,
        sweepers=[*of_turns, sweeper(pulse(seconds))],
        relay=relay,
        heart=Heart(partial(store.heartbeat, engine.worker_id), settings.heartbeat_seconds),
        crew=crew,
    )


def turn_sweepers(settings: Settings) -> int:
    """Return how many threads look for timers and lost turns: one, where others step in when it waits."""
    return 1 if settings.relief_threads else half(settings.threads)


def half(threads: int) -> int:
    """Return how many threads do what is not a request."""
    return max(threads // 2, 1)


def quarter(threads: int) -> int:
    """Return how many threads handle the requests of customers who crowd."""
    return max(threads // 4, 1)


def make_topology(settings: Settings) -> Topology:
    """Return what we need on the broker."""
    return Topology(names=Names(settings.queue_prefix), quorum=settings.quorum_queues)


def make_lanes(
    settings: Settings, topology: Topology, requests: RequestReceiver, events: EventReceiver, crew: Crew
) -> list[Lane]:
    """Return the threads that take messages. Events have threads of their own: requests must not wait behind them."""
    names = topology.names
    options = LaneOptions(prepare=topology.declare, names=names)
    relieving = LaneOptions(names=names, quiet=True, idle=RELIEF_IDLE_SECONDS)

    def lanes(count: int, queue: str, handle: Handle) -> list[Lane]:
        made = [Lane(settings.rabbitmq_address, queue, handle, options=options) for _ in range(count)]
        crew.add(Post(partial(Lane, settings.rabbitmq_address, queue, handle, options=relieving)), list(made))
        return made

    of_requests = lanes(settings.threads, names.request, requests.handle)
    # Also where nothing is moved: other processes may move, or have moved.
    of_crowd = lanes(quarter(settings.threads), names.crowd, replace(requests, entrance=None).handle)
    of_events = [
        lane for queue in (names.event, names.subscribe) for lane in lanes(half(settings.threads), queue, events.handle)
    ]
    return of_requests + of_crowd + of_events
