"""Many at once on one activeflow: two worker processes on MySQL, ten clients that do not wait for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from random import Random
from threading import Barrier, Event
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import create_engine, text

from flowmanager.core.ids import START, Id
from flowmanager.transport.caller import Caller
from flowmanager.transport.subscriber import Subscriber
from tests.processes import Client, Installation, Json, Program, act, migrated
from tests.services import Services

CLIENTS = 10
SECONDS = 3.0
ROUNDS = 25


@pytest.fixture(scope="module")
def installation(services: Services) -> Iterator[Installation]:
    with migrated(services) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def worker(installation: Installation) -> Iterator[Program]:
    """Two processes of four threads; nobody ends a flow for being resumed too often."""
    program = installation.serve(processes=2, threads=4, FLOWMANAGER_LIMIT_EXECUTIONS="1000000")
    yield program
    assert program.stop() == 0
    assert not [line for line in program.logs() if "exception" in line or line["level"] == "error"]


@pytest.fixture(scope="module")
def client(installation: Installation) -> Client:
    return installation.client()


@pytest.fixture(scope="module")
def flow(client: Client) -> Json:
    """A ring of actions that a caller performs, and something to do at the end."""
    after = client.flow([act("variable_set", key="after", value="done")])
    ring = [act("talk", f"step {number}", text=f"{number}") for number in range(5)]
    return client.flow([*ring, act("goto", target_id="step 0")], on_complete_flow_id=after["id"])


@dataclass
class Hammer:
    """Somebody who asks the same kind of thing again and again, over a connection of its own."""

    installation: Installation
    flow: Json
    activeflow_id: Id
    number: int
    stopping: Event
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: int = 0

    def run(self) -> Hammer:
        """Ask until told to stop."""
        with closing(Caller(self.installation.url, names=self.installation.names)) as caller:
            self.client = Client(caller)
            self.random = Random(self.number)
            while not self.stopping.is_set():
                KINDS[self.number % len(KINDS)](self)
        return self

    def ask(self, method: str, verb: str, data: Any = None) -> tuple[int, Any]:
        """Ask something about the activeflow."""
        place = "variables" if verb == "variables" else "activeflows"
        uri = f"/v1/{place}/{self.activeflow_id}" + (f"/{verb}" if verb else "")
        status, _, answer = self.client.caller.call(method, uri, data, seconds=20.0)
        self.statuses[status] += 1
        return status, answer

    def next(self) -> None:
        """Move on from where the flow stands."""
        _, shown = self.ask("GET", "")
        self.ask("GET", "next", {"current_action_id": shown["current_action"]["id"]})

    def push(self) -> None:
        """Put an action on top."""
        self.ask("POST", "push_actions", {"actions": [act("talk", text="pushed"), act("talk", text="pushed too")]})

    def add(self) -> None:
        """Insert an action behind the current one; not in the main stack."""
        self.ask("POST", "add_actions", {"actions": [act("talk", text="added")]})

    def forward(self) -> None:
        """Jump somewhere."""
        target = self.random.choice(self.flow["actions"][:5])["id"]
        self.ask("PUT", "forward_action_id", {"forward_action_id": target})

    def release(self) -> None:
        """Release one of the frames."""
        _, frames = self.ask("GET", "stacks")
        self.ask("POST", "service_stop", {"service_id": self.random.choice(frames)["frame_id"]})

    def count(self) -> None:
        """Write the next number under a name of its own and see it there."""
        name, value = f"counter.{self.number}", self.acknowledged + 1
        status, _ = self.ask("POST", "variables", {"variables": {name: str(value)}})
        if status == 200:
            self.acknowledged = value
            _, shown = self.ask("GET", "")
            assert shown["variables"][name] == str(value)

    def append(self) -> None:
        """Append a letter of its own to what all append to, as call-manager appends digits."""
        changes = {"voipbin.call.digits": "${voipbin.call.digits}" + "abcdefghij"[self.number]}
        status, _ = self.ask("POST", "variables", {"variables": changes})
        self.acknowledged += status == 200


KINDS: tuple[Callable[[Hammer], None], ...] = (
    *(Hammer.next, Hammer.next, Hammer.next, Hammer.push, Hammer.add, Hammer.forward, Hammer.release),
    *(Hammer.count, Hammer.count, Hammer.append),
)


def hammer(installation: Installation, flow: Json, activeflow_id: Id, stop: Callable[[], None]) -> list[Hammer]:
    """Let all clients loose; `stop` is done in the middle of it."""
    stopping = Event()
    clients = [Hammer(installation, flow, activeflow_id, number, stopping) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(one.run) for one in clients]
        try:
            stopping.wait(SECONDS)
            stop()
            stopping.wait(SECONDS / 10)
        finally:
            stopping.set()
    return [one.result() for one in running]


def events_of(subscriber: Subscriber, activeflow_id: Id) -> list[Json]:
    """The events of one activeflow; one that comes again under its message id counts once."""
    found: dict[str, Json] = {}
    while delivery := subscriber.take(1.0):
        event = orjson.loads(delivery.body)
        if event["data"]["id"] == activeflow_id:
            found.setdefault(delivery.message_id, event)
    return list(found.values())


def test_record_stays_whole_under_ten_clients(installation: Installation, client: Client, flow: Json) -> None:
    """Whatever is asked at once, history, events, variables, frames and the one child are those of some order."""
    with closing(Subscriber(installation.url, exchange=installation.names.event)) as subscriber:
        activeflow_id = client.activeflow(flow)
        clients = hammer(installation, flow, activeflow_id, lambda: stop_midway(client, activeflow_id))
        events = events_of(subscriber, activeflow_id)
    shown = client.show(activeflow_id)
    told = [one for event in events for one in event["data"].get("executed_actions", ())]
    assert told == shown["executed_actions"]
    counts = [event["data"]["executed_count"] for event in events]
    assert counts == sorted(counts)
    assert [event["data"]["status"] for event in events].index("ended") == len(events) - 1
    assert sequence(installation, activeflow_id) == list(range(len(told)))
    check_answers(clients)
    check_variables(shown["variables"], clients)
    assert len(client.ask("GET", "/v1/activeflows", {"reference_activeflow_id": activeflow_id})) == 1


def stop_midway(client: Client, activeflow_id: Id) -> None:
    """See that the record is whole while it changes, then stop the activeflow."""
    shown = client.show(activeflow_id)
    frames = {frame["frame_id"]: frame for frame in client.ask("GET", f"/v1/activeflows/{activeflow_id}/stacks")}
    assert sum(frame["current"] for frame in frames.values()) == 1
    assert shown["current_action"]["type"] == "talk"
    assert shown["current_stack_id"] in shown["stack_map"]
    assert client.ask("POST", f"/v1/activeflows/{activeflow_id}/stop")["ended_reason"] == "stop_request"


def sequence(installation: Installation, activeflow_id: Id) -> list[int]:
    """The numbers of the stored history."""
    engine = create_engine(installation.dsn)
    query = text("SELECT seq FROM executed_actions WHERE activeflow_id = :id ORDER BY seq")
    with engine.connect() as connection:
        numbers = [row.seq for row in connection.execute(query, {"id": UUID(activeflow_id).bytes})]
    engine.dispose()
    return numbers


def check_answers(clients: list[Hammer]) -> None:
    """Everybody got on, and nobody was answered with a fault of ours."""
    for one in clients:
        assert set(one.statuses) <= {200, 400, 409}, (one.number, one.statuses)
        assert one.statuses[200], (one.number, one.statuses)


def check_variables(variables: Json, clients: list[Hammer]) -> None:
    """Every acknowledged write is there."""
    for one in clients:
        if KINDS[one.number] is Hammer.count:
            assert variables[f"counter.{one.number}"] == str(one.acknowledged)
        elif KINDS[one.number] is Hammer.append:
            assert variables["voipbin.call.digits"].count("abcdefghij"[one.number]) == one.acknowledged


def test_ten_appenders_lose_no_digit(installation: Installation, client: Client, flow: Json) -> None:
    """What ten clients append to one variable at once is all there, each as often as it was acknowledged."""
    activeflow_id, stopping = client.activeflow(flow), Event()
    clients = [Hammer(installation, flow, activeflow_id, number, stopping) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(append_some, clients))
    digits = client.show(activeflow_id)["variables"]["voipbin.call.digits"]
    assert Counter(digits) == dict.fromkeys("abcdefghij", ROUNDS)


def append_some(one: Hammer) -> None:
    """Append so many letters over a connection of its own."""
    with closing(Caller(one.installation.url, names=one.installation.names)) as caller:
        one.client = Client(caller)
        for _ in range(ROUNDS):
            one.append()
    assert one.acknowledged == ROUNDS


def test_of_two_callers_at_the_same_action_one_gets_the_next(
    installation: Installation, client: Client, flow: Json
) -> None:
    """Two requests that name the same current action at the same time: one is answered, the other refused."""
    activeflow_id, barrier = client.activeflow(flow), Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        pairs = [pool.submit(race, installation, activeflow_id, barrier) for _ in range(2)]
        first, second = (pair.result(60) for pair in pairs)
    assert [sorted(pair) for pair in zip(first, second, strict=True)] == [[200, 409]] * ROUNDS
    assert client.show(activeflow_id)["execute_count"] == ROUNDS


def race(installation: Installation, activeflow_id: Id, barrier: Barrier) -> list[int]:
    """Ask for the next action together with somebody else, round after round; return the answers' statuses."""
    statuses = []
    with closing(Caller(installation.url, names=installation.names)) as caller:
        client = Client(caller)
        for _ in range(ROUNDS):
            seen = {"current_action_id": client.show(activeflow_id)["current_action"]["id"]}
            barrier.wait(30)
            statuses.append(client.status("GET", f"/v1/activeflows/{activeflow_id}/next", seen))
            barrier.wait(30)
    return statuses


REPEATED: dict[str, tuple[str, str, Any]] = {
    "create a flow": ("POST", "/v1/flows", {"name": "repeated"}),
    "create an activeflow": ("POST", "/v1/activeflows", {"reference_type": "api"}),
    "append": ("POST", "/v1/variables/{id}/variables", {"variables": {"all": "${all}x"}}),
    "push": ("POST", "/v1/activeflows/{id}/push_actions", {"actions": [act("talk", text="pushed")]}),
    "next": ("GET", "/v1/activeflows/{id}/next", {"current_action_id": START}),
    "execute": ("POST", "/v1/activeflows/{id}/execute", None),
    "stop": ("POST", "/v1/activeflows/{id}/stop", None),
}


@pytest.mark.parametrize("name", REPEATED)
def test_request_sent_at_once_by_many_is_carried_out_once(
    installation: Installation, client: Client, flow: Json, name: str
) -> None:
    """Requests of one name that come at the same time all get the one answer, and there is one effect."""
    activeflow_id, barrier = client.activeflow(flow), Barrier(CLIENTS)
    method, uri, data = REPEATED[name]
    ask = partial(ask_together, installation, barrier, name + activeflow_id)
    before = rows(installation)
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(ask, (method, uri.format(id=activeflow_id), data)) for _ in range(CLIENTS)]
        answers = [one.result(60) for one in running]
    assert answers == [answers[0]] * CLIENTS
    assert answers[0][0] == 200
    made = {"create a flow": (1, 0), "create an activeflow": (0, 1)}.get(name, (0, 0))
    children = name == "stop"
    assert rows(installation) == (before[0] + made[0], before[1] + made[1] + children)
    shown = client.show(activeflow_id)
    assert shown["variables"].get("all", "x") == "x"
    assert shown.get("execute_count", 0) == (name in ("next", "execute"))
    assert len(shown["stack_map"]) == (2 if name == "push" else 1)


def ask_together(
    installation: Installation, barrier: Barrier, request_id: str, asked: tuple[str, str, Any]
) -> tuple[int, str, Any]:
    """Send a request at the same time as the others and return the answer."""
    method, uri, data = asked
    with closing(Caller(installation.url, names=installation.names)) as caller:
        caller.call("GET", "/v1/flows?page_size=1", seconds=20.0)
        barrier.wait(30)
        return caller.call(method, uri, data, seconds=20.0, request_id=request_id)


def rows(installation: Installation) -> tuple[int, int]:
    """How many flows and activeflows there are."""
    engine = create_engine(installation.dsn)
    with engine.connect() as connection:
        found = [
            connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one() for table in ("flows", "activeflows")
        ]
    engine.dispose()
    return found[0], found[1]
