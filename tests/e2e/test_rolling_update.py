"""A rolling update with real processes: this version and the next one together on one database, and back again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import orjson
import pytest

from flowmanager.core.ids import Id
from flowmanager.store.versions import number_of
from flowmanager.stub_managers.run import ServedStubs
from flowmanager.transport.subscriber import Subscriber
from tests.broker_room import eventually
from tests.newer_version import newer_version
from tests.processes import Client, Installation, Json, Program, act, migrated
from tests.schema import newest_migration
from tests.services import Services

CALLERS = 2
SOME = 4
"""So many activeflows pass between two steps of the update."""
TYPES = ["variable_set", "conversation_send", "sleep", "variable_set"]


@pytest.fixture
def installation(services: Services) -> Iterator[Installation]:
    """Tables of this version, for one test."""
    with migrated(services) as made:
        yield made


@pytest.fixture
def newer(installation: Installation, tmp_path: Path) -> Installation:
    """The same database and queues, as the next version sees them; it lets this version go on."""
    before = newest_migration()
    return replace(installation, source=newer_version(tmp_path, before=before, oldest=number_of(before)))


@pytest.fixture
def stubs(installation: Installation) -> ServedStubs:
    """All other managers."""
    return installation.stubs()


@pytest.fixture
def subscriber(installation: Installation) -> Subscriber:
    """A listener to our events."""
    return installation.subscriber()


@dataclass
class Traffic:
    """Callers that never pause: each starts one activeflow after the other and sees it to its end."""

    installation: Installation
    enough: Event = field(default_factory=Event)
    ended: list[Json] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        self.threads = [Thread(target=self.call, args=[self.installation.client()]) for _ in range(CALLERS)]
        for thread in self.threads:
            thread.start()

    def call(self, client: Client) -> None:
        """Be one caller; nobody but the test may end it."""
        try:
            flow = client.flow(actions())
            while not self.enough.is_set():
                self.ended.append(self.follow(client, flow))
        except BaseException as fault:  # noqa: BLE001 (told by the test's own thread)
            self.faults.append(fault)

    def follow(self, client: Client, flow: Json) -> Json:
        """See one activeflow to its end."""
        activeflow_id = client.activeflow(flow, reference_type="api")
        client.ask("POST", f"/v1/activeflows/{activeflow_id}/execute", request_id=str(uuid4()))
        return client.until_ended(activeflow_id)

    def flows(self) -> None:
        """Return when some more activeflows have come to their end."""
        seen = len(self.ended)
        eventually(lambda: bool(self.faults) or len(self.ended) >= seen + SOME, seconds=30.0)
        assert not self.faults, self.faults

    def stop(self) -> None:
        """Let every caller finish."""
        self.enough.set()
        for thread in self.threads:
            thread.join(30.0)
        assert not self.faults, self.faults


def actions() -> list[Json]:
    """A request to a peer, a timer, and something before and behind them."""
    return [
        act("variable_set", key="before", value="1"),
        act("conversation_send", conversation_id=str(uuid4()), text="${voipbin.activeflow.id}"),
        act("sleep", duration=50),
        act("variable_set", key="behind", value="1"),
    ]


@pytest.fixture
def traffic(installation: Installation) -> Iterator[Traffic]:
    """Callers; they end with the test."""
    made = Traffic(installation)
    yield made
    made.enough.set()


@pytest.mark.timeout(300)  # six programs start and stop, one after the other
def test_workers_are_replaced_one_by_one_and_nobody_notices(
    installation: Installation, newer: Installation, traffic: Traffic, stubs: ServedStubs, subscriber: Subscriber
) -> None:
    """Tables first, then a worker at a time, one by its own version: every request is answered, all is done once."""
    first, second = installation.serve(), installation.serve()
    traffic.start()
    traffic.flows()
    migrated = newer.run("migrate")
    assert (migrated.process.returncode, migrated.out) == (0, "the tables are current\n")
    traffic.flows()
    programs = [first, second]
    for leaves, version in enumerate((installation, newer, newer)):
        programs.append(version.serve())
        traffic.flows()
        assert programs[leaves].stop() == 0
        traffic.flows()
    traffic.stop()
    check_logs(programs)
    check_once(traffic.ended, stubs, subscriber)


def check_logs(programs: list[Program]) -> None:
    """All had their part, none was missed by the others; this version says when it begins on newer tables."""
    assert all(program.logs("activeflow_created") for program in programs)
    assert [program.logs("turn_taken_over") for program in programs] == [[]] * 5
    assert [bool(program.logs("tables_newer")) for program in programs] == [False, False, True, False, False]


def check_once(ended: list[Json], stubs: ServedStubs, subscriber: Subscriber) -> None:
    """Each activeflow has one path, one request to the peer, one event that tells its end."""
    for shown in ended:
        assert [step["type"] for step in shown["executed_actions"]] == TYPES
        assert (shown["ended_reason"], shown["variables"]["behind"]) == ("finished", "1")
    everyone = [shown["id"] for shown in ended]
    asked = Counter(seen.data["text"] for seen in stubs.requests("conversation"))
    assert asked == Counter(everyone)
    assert Counter(ends(subscriber)) == Counter(everyone)


def ends(subscriber: Subscriber) -> Iterator[Id]:
    """The activeflows of which an event tells the end, each message counted once."""
    seen = set()
    while delivery := subscriber.take(0.5):
        event = orjson.loads(delivery.body)
        if (
            event["type"] == "activeflow_updated"
            and event["data"]["status"] == "ended"
            and delivery.message_id not in seen
        ):
            seen.add(delivery.message_id)
            yield event["data"]["id"]
