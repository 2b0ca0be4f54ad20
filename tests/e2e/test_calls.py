"""Whole calls over RabbitMQ on MySQL: a worker of two processes, pushed and pulled, with everything they cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import sleep
from typing import Any
from uuid import uuid4

import orjson
import pytest

from flowmanager import demo_flows
from flowmanager.core.ids import START, Id
from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.run import ServedStubs
from flowmanager.transport.subscriber import Subscriber
from tests.processes import PACE, Client, Installation, Json, Program

SPOKEN = ["answer", "talk", "digits_receive", "variable_set", "branch", "talk", "queue_join"]
CONNECTED = ["talk", "connect", "confbridge_join", "hangup"]


@pytest.fixture(scope="module", autouse=True)
def worker(installation: Installation, stubs: ServedStubs) -> Iterator[Program]:
    """A worker of two processes, which ends well when the tests are over."""
    del stubs  # must be there before the worker asks
    program = installation.serve(processes=2, threads=4)
    yield program
    assert program.stop() == 0


@pytest.fixture(scope="module")
def front(client: Client, stubs: ServedStubs) -> Json:
    """The demonstration's menu, its queue and what follows the call."""
    wait = client.ask("POST", "/v1/flows", demo_flows.wait_flow())
    after = client.ask("POST", "/v1/flows", demo_flows.after_call_flow())
    stubs.queue(demo_flows.QUEUE_ID, QueuePlan(wait_flow_id=wait["id"], name="support"))
    stored: Json = client.ask("POST", "/v1/flows", demo_flows.ivr_flow(after["id"]))
    return stored


@pytest.fixture
def subscriber(installation: Installation) -> Subscriber:
    """A listener to our events."""
    return installation.subscriber()


@dataclass
class PullingCaller:
    """Drives a flow as call-manager does: asks for the next action, performs it, asks again."""

    client: Client
    stubs: ServedStubs
    activeflow_id: Id
    call_id: Id

    def drive(self) -> None:
        """Go on until the call is over."""
        current = {"id": START, "type": ""}
        while current["type"] != "hangup":
            seen = {"current_action_id": current["id"]}
            current = self.client.ask("GET", f"/v1/activeflows/{self.activeflow_id}/next", seen)
            self.perform(current)

    def perform(self, action: Json) -> None:
        """Do what an action says."""
        if action["type"] == "digits_receive":
            self.press("2")
        elif action["type"] == "hangup":
            self.stubs.hang_up(self.call_id)
        else:
            sleep(PACE.media)  # somebody listens

    def press(self, digit: str) -> None:
        """Append a digit to those pressed so far."""
        changes = {"voipbin.call.digits": f"${{voipbin.call.digits}}{digit}"}
        self.client.ask("POST", f"/v1/variables/{self.activeflow_id}/variables", {"variables": changes})


def test_pushed_call_runs_from_answer_to_hangup(
    client: Client, front: Json, stubs: ServedStubs, subscriber: Subscriber
) -> None:
    """A call that is executed comes to its end by events alone; its history, events and e-mail are those of one run."""
    call_id = str(uuid4())
    stubs.script_digits(call_id, "2")
    activeflow_id = start(client, front, call_id)
    assert client.ask("POST", f"/v1/activeflows/{activeflow_id}/execute") is None
    shown = client.until_ended(activeflow_id)
    check_history(shown)
    check_events(heard(subscriber, activeflow_id), shown)
    check_aftermath(client, stubs, shown)


def test_pulled_call_runs_from_answer_to_hangup(
    client: Client, front: Json, stubs: ServedStubs, subscriber: Subscriber
) -> None:
    """The same call, driven by a caller that asks for each action and performs it, has the same history and effects."""
    call_id = str(uuid4())
    activeflow_id = start(client, front, call_id)
    PullingCaller(client, stubs, activeflow_id, call_id).drive()
    shown = client.until_ended(activeflow_id)
    check_history(shown)
    check_events(heard(subscriber, activeflow_id), shown)
    check_aftermath(client, stubs, shown)


def start(client: Client, front: Json, call_id: Id) -> Id:
    """Create the activeflow of a call by a customer who is named like the call: so are the effects."""
    return client.activeflow(front, reference_id=call_id, variables={"customer.name": call_id})


def types(shown: Json) -> list[str]:
    return [one["type"] for one in shown["executed_actions"]]


def heard(subscriber: Subscriber, activeflow_id: Id) -> list[Json]:
    """The events of one activeflow; one that comes again under its message id counts once."""
    found: dict[str, Json] = {}
    while delivery := subscriber.take(1.0):
        event = orjson.loads(delivery.body)
        if event["data"]["id"] == activeflow_id:
            assert delivery.message_id
            assert found.setdefault(delivery.message_id, event) == event
    return list(found.values())


def check_history(shown: Json) -> None:
    """The way through the menu, the queue and the bridge; the hang-up ends it."""
    assert shown["ended_reason"] == "reference_ended"
    assert types(shown)[:7] == SPOKEN
    assert types(shown)[-4:] == CONNECTED
    assert {one["result"] for one in shown["executed_actions"]} <= {"done", "interrupted"}
    assert shown["variables"]["menu.choice"] == "2"


def check_events(events: list[Json], shown: Json) -> None:
    """One creation, then updates that tell the whole history in order."""
    assert [event["type"] for event in events] == ["activeflow_created"] + ["activeflow_updated"] * (len(events) - 1)
    told = [one["id"] for event in events for one in event["data"].get("executed_actions", ())]
    assert told == [one["id"] for one in shown["executed_actions"]]
    counts = [event["data"]["executed_count"] for event in events]
    assert counts == sorted(counts)
    assert events[-1]["data"]["ended_reason"] == "reference_ended"


def check_aftermath(client: Client, stubs: ServedStubs, shown: Json) -> None:
    """The only on-complete child ran once: one webhook, one e-mail."""
    children = client.ask("GET", "/v1/activeflows", {"reference_activeflow_id": shown["id"]})
    assert len(children) == 1
    child = client.until_ended(children[0]["id"])
    assert types(child) == ["webhook_send", "email_send"]
    assert child["ended_reason"] == "finished"
    call_id = shown["reference_id"]
    assert len(about(stubs, call_id, "webhook", "/v1/webhook_destinations")) == 1
    emails = about(stubs, call_id, "email", "/v1/emails")
    assert [email["content"] for email in emails] == ["You chose 2. Our system answered 200."]


def about(stubs: ServedStubs, call_id: Id, manager: str, uri: str) -> list[Any]:
    """What a manager was asked to do about a call."""
    return [seen.data for seen in stubs.requests(manager, uri=uri) if call_id in str(seen.data)]
