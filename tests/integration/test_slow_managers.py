"""Managers that take their time: whoever does not need them notices nothing, and those who do all wait together."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from flowmanager.transport.envelope import Delivery
from flowmanager.transport.inbox import Inbox
from flowmanager.transport.link import Link
from flowmanager.transport.session import Session
from tests.broker_room import eventually
from tests.processes import Installation, act, migrated
from tests.services import Services

MANY = 40
SUMMARY = act("ai_summary", reference_type="call", reference_id=str(uuid4()))


@pytest.fixture
def installation(services: Services) -> Iterator[Installation]:
    with migrated(services) as made:
        yield made


class SlowManager:
    """ai-manager, which answers nobody before it is told to."""

    def __init__(self, installation: Installation, stack: ExitStack) -> None:
        self.session = stack.enter_context(closing(Session(installation.url)))
        queue = installation.names.request_queue("ai")
        self.session.channel().queue_declare(queue, durable=True, auto_delete=False)
        self.inbox = Inbox(self.session, [queue], prefetch=1000)
        self.link = Link(self.session, names=installation.names, replies=self.inbox.channel)
        self.asked: list[Delivery] = []

    def asked_by(self, count: int) -> bool:
        """Whether so many wait for an answer at the same time."""
        while (delivery := self.inbox.take(0.05)) is not None:
            self.asked.append(delivery)
        return len(self.asked) >= count

    def answer(self) -> None:
        """Answer all of them."""
        for delivery in self.asked:
            self.link.reply(delivery, b'{"status_code":200}')
            self.inbox.ack(delivery)
        self.asked = []


def executed(installation: Installation, activeflow_id: str) -> int:
    """Have an activeflow run; the status of the answer."""
    uri = f"/v1/activeflows/{activeflow_id}/execute"
    return installation.client().status("POST", uri, seconds=60)


def test_many_turns_wait_at_once_and_others_go_on(installation: Installation) -> None:
    """Two threads, forty turns that wait for one manager, and a call that goes on meanwhile."""
    program = installation.serve(threads=2)
    client = installation.client()
    slow = client.flow([SUMMARY, act("stop")], customer_id=str(uuid4()))
    waiting = [client.activeflow(slow, reference_type="api") for _ in range(MANY)]
    other = client.activeflow(client.flow([act("answer"), act("stop")]))
    with ExitStack() as stack:
        manager = SlowManager(installation, stack)
        pool = stack.enter_context(ThreadPoolExecutor(MANY))
        answers: list[Future[int]] = [pool.submit(executed, installation, one) for one in waiting]
        eventually(lambda: manager.asked_by(MANY))
        begin = {"current_action_id": "00000000-0000-0000-0000-000000000001"}
        assert client.ask("GET", f"/v1/activeflows/{other}/next", begin)["type"] == "answer"
        assert {client.show(one)["status"] for one in waiting} == {"running"}
        manager.answer()
        assert [answer.result() for answer in answers] == [200] * MANY
    assert {client.until_ended(one)["ended_reason"] for one in waiting} == {"stop_action"}
    assert program.stop() == 0


def test_timers_are_kept_while_many_turns_of_timers_wait(installation: Installation) -> None:
    """Turns that a timer began wait for a slow manager; another timer is on time."""
    program = installation.serve(threads=2)
    client = installation.client()
    slow = client.flow([act("sleep", duration=100), SUMMARY, act("stop")], customer_id=str(uuid4()))
    quick = client.flow([act("sleep", duration=1000), act("stop")])
    with ExitStack() as stack:
        manager = SlowManager(installation, stack)
        waiting = [client.activeflow(slow, reference_type="api") for _ in range(10)]
        for one in waiting:
            client.ask("POST", f"/v1/activeflows/{one}/execute")
        eventually(lambda: manager.asked_by(10))
        other = client.activeflow(quick, reference_type="api")
        client.ask("POST", f"/v1/activeflows/{other}/execute")
        assert client.until_ended(other)["ended_reason"] == "stop_action"
        assert {client.show(one)["status"] for one in waiting} == {"running"}
        manager.answer()
        assert {client.until_ended(one)["ended_reason"] for one in waiting} == {"stop_action"}
    assert program.stop() == 0


def test_who_stepped_in_ends_with_the_process(installation: Installation) -> None:
    """A worker that is stopped while turns wait finishes them, and none of its threads is left."""
    program = installation.serve(threads=2)
    client = installation.client()
    slow = client.flow([SUMMARY, act("stop")], customer_id=str(uuid4()))
    waiting = [client.activeflow(slow, reference_type="api") for _ in range(10)]
    with ExitStack() as stack:
        manager = SlowManager(installation, stack)
        pool = stack.enter_context(ThreadPoolExecutor(10))
        answers = [pool.submit(executed, installation, one) for one in waiting]
        eventually(lambda: manager.asked_by(10))
        stopped = pool.submit(program.stop)
        program.said("worker_stopping")
        manager.answer()
        assert [answer.result() for answer in answers] == [200] * 10
        assert stopped.result() == 0
    assert program.logs("worker_stopped")[-1]["clean"] is True
