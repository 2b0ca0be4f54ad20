"""Workers that are stopped or killed in the middle of an action: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import orjson
import pytest

from flowmanager.core.action import FINISH_ACTION
from flowmanager.core.ids import Id
from flowmanager.stub_managers.records import Seen
from flowmanager.stub_managers.run import ServedStubs
from flowmanager.transport.subscriber import Subscriber
from tests.broker_room import eventually
from tests.processes import Client, Installation, Json, Program, act

LATE = "conversation POST /v1/messages delay=2 times=1"
"""The first answer comes so late that there is time to stop who waits for it."""
LOST = "conversation POST /v1/messages lost times=1"
"""The first answer never comes: there is time to kill who waits for it."""


@pytest.fixture(scope="module")
def flow(installation: Installation, stubs: ServedStubs, client: Client) -> Json:
    """A flow with a slow action in the middle, and one that follows it."""
    del stubs  # must be there before the worker asks
    program = installation.serve()
    after = client.flow([act("webhook_send", uri="https://after.example.com", data="{}")])
    slow = act("conversation_send", conversation_id=str(uuid4()), text="${voipbin.activeflow.id}")
    actions = [act("talk", text="first"), slow, act("talk", text="last")]
    made = client.flow(actions, on_complete_flow_id=after["id"])
    assert program.stop() == 0
    return made


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for those who wait."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def subscriber(installation: Installation) -> Iterator[Subscriber]:
    """A listener to our events."""
    listener = installation.subscriber()
    yield listener
    listener.close()


class Story:
    """One activeflow on its way through the slow action."""

    def __init__(self, installation: Installation, flow: Json, stubs: ServedStubs, subscriber: Subscriber) -> None:
        self.installation, self.flow, self.stubs, self.subscriber = installation, flow, stubs, subscriber
        self.client = installation.client()
        self.workers: list[Program] = []
        self.activeflow_id: Id = ""

    def worker(self, **settings: Any) -> Program:
        """Start a worker that misses others soon; it is killed at the end of the test if it still runs."""
        program = self.installation.serve(
            FLOWMANAGER_HEARTBEAT_SECONDS="0.2", FLOWMANAGER_ORPHAN_SECONDS="1", **settings
        )
        self.workers.append(program)
        return program

    def begin(self, rule: str) -> None:
        """Create the activeflow, whose slow action will be as the rule says; somebody must serve."""
        self.stubs.rules.clear()
        self.stubs.rule(rule)
        self.activeflow_id = self.client.activeflow(self.flow)

    def next(self) -> Json:
        """Ask for the next action, as long as it takes, over a connection of its own."""
        client = self.installation.client()
        current = client.show(self.activeflow_id)["current_action"]["id"]
        uri, seen = f"/v1/activeflows/{self.activeflow_id}/next", {"current_action_id": current}
        action: Json = client.ask("GET", uri, seen, seconds=30.0)
        return action

    def asked(self) -> list[Seen]:
        """The requests that the slow action made."""
        return [seen for seen in self.stubs.requests("conversation") if seen.data["text"] == self.activeflow_id]

    def taken_over(self, worker: Program) -> list[Json]:
        """What a worker told of turns that it took over at the slow action."""
        slow = self.flow["actions"][1]["id"]
        return [told for told in worker.logs("turn_taken_over") if told["action_id"] == slow]

    def until_asked(self) -> None:
        """Wait until the slow action is under way."""
        eventually(lambda: len(self.asked()) == 1)

    def check_ended_once(self) -> None:
        """The history has each action once, one event told the end, and one child followed."""
        shown = self.client.until_ended(self.activeflow_id)
        assert [one["type"] for one in shown["executed_actions"]] == ["talk", "conversation_send", "talk"]
        assert {one["result"] for one in shown["executed_actions"]} == {"done"}
        assert shown["ended_reason"] == "finished"
        (child,) = self.client.ask("GET", "/v1/activeflows", {"reference_activeflow_id": self.activeflow_id})
        assert self.client.until_ended(child["id"])["executed_count"] == 1
        ends = {message_id for message_id, event in self.heard() if event["data"]["status"] == "ended"}
        assert len(ends) == 1

    def heard(self) -> list[tuple[str, Json]]:
        """The events about this activeflow with their ids."""
        events = []
        while delivery := self.subscriber.take(0.5):
            event: Json = orjson.loads(delivery.body)
            if event["data"]["id"] == self.activeflow_id:
                events.append((delivery.message_id, event))
        return events


@pytest.fixture
def story(installation: Installation, flow: Json, stubs: ServedStubs, subscriber: Subscriber) -> Iterator[Story]:
    made = Story(installation, flow, stubs, subscriber)
    yield made
    for worker in made.workers:
        worker.kill()


def test_stopped_worker_finishes_what_it_has_in_hand(story: Story, pool: ThreadPoolExecutor) -> None:
    """Who waits gets the answer, the message is gone, the status is 0; the next worker goes on from there."""
    worker = story.worker()
    story.begin(LATE)
    story.next()
    waiting = pool.submit(story.next)
    story.until_asked()
    assert worker.stop() == 0
    assert waiting.result(1)["option"]["text"] == "last"
    successor = story.worker()
    assert story.next()["id"] == FINISH_ACTION.id
    story.check_ended_once()
    assert len(story.asked()) == 1
    assert not [*worker.logs("turn_taken_over"), *successor.logs("turn_taken_over")]
    assert successor.stop() == 0


def begin_by_execute(story: Story, pool: ThreadPoolExecutor) -> Future[Json] | None:
    """Push: the slow action is reached by an event, whose message has no identity."""
    del pool
    story.client.ask("POST", f"/v1/activeflows/{story.activeflow_id}/execute")
    return None


def begin_by_next(story: Story, pool: ThreadPoolExecutor) -> Future[Json] | None:
    """Pull: the slow action is reached by a request that somebody waits for."""
    story.next()
    return pool.submit(story.next)


@pytest.mark.parametrize("begin", [begin_by_execute, begin_by_next])
@pytest.mark.parametrize("early", [True, False], ids=["beside another", "alone"])
def test_killed_worker_is_succeeded(
    story: Story,
    pool: ThreadPoolExecutor,
    begin: Callable[[Story, ThreadPoolExecutor], Future[Json] | None],
    early: bool,
) -> None:
    """Another worker goes on where the killed one stood, under the same key, and answers who waits; all ends once."""
    worker = story.worker()
    story.begin(LOST)
    waiting = begin(story, pool)
    story.until_asked()
    successor = story.worker() if early else None
    worker.kill()
    successor = successor or story.worker()
    if waiting is not None:
        assert waiting.result(30)["option"]["text"] == "last"
        story.next()
    story.check_ended_once()
    (key,) = {seen.request_id for seen in story.asked()}
    assert key
    # Once more for each take-over: the sweeper and the message that is delivered again may both come to it. Where the
    # second is late it finds the turn at the action after it.
    assert len(story.asked()) == 1 + len(story.taken_over(successor)) in (2, 3)
    assert successor.stop() == 0


def test_worker_that_cannot_finish_in_time_says_so(story: Story, pool: ThreadPoolExecutor) -> None:
    """A stop does not take longer than it may; what was in hand is left to the successor, and the status tells."""
    worker = story.worker(FLOWMANAGER_STOP_SECONDS="0.2")
    story.begin(LOST)
    story.next()
    waiting = pool.submit(story.next)
    story.until_asked()
    assert worker.stop() == 1
    assert [line["clean"] for line in worker.logs("worker_stopped")] == [False]
    successor = story.worker()
    assert waiting.result(30)["option"]["text"] == "last"
    assert successor.stop() == 0
