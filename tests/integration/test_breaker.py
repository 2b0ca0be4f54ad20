"""A peer that fails or hangs: activeflows that need it do as their actions say, others notice nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest

from flowmanager.core.ids import NIL
from flowmanager.errors import PeerTimeout, PeerUnroutable
from tests.desk import Desk, Run, act, talk

WAIT = 60
"""Seconds until a test that hangs fails."""
SILENT = PeerTimeout("message", 3)


def send(desk: Desk) -> Run:
    """An activeflow that must send a message."""
    run = desk.start(act("message_send", text="x"), talk("sent"))
    run.execute()
    return run


def asked(desk: Desk, peer: str) -> int:
    """How often a peer was asked."""
    return sum(line.startswith(f"{peer} ") for line in desk.asked)


@pytest.mark.parametrize("failure", [SILENT, PeerUnroutable("message")], ids=repr)
def test_a_peer_that_fails_is_not_asked_any_more(desk: Desk, failure: Exception) -> None:
    """The sixth activeflow fails at once, with a reason that names the breaker and the queue."""
    desk.outside.teach("message *", failure)
    for _ in range(5):
        send(desk)
    run = send(desk)
    assert asked(desk, "message") == 5
    assert (run.ended, run.history) == ("error", ["message_send failed"])
    message = run.record["error"]["message"]
    assert "circuit breaker is open for bin-manager.message-manager.request" in message


def test_the_caller_of_next_is_told(desk: Desk) -> None:
    """As of any failure of a peer that gave no typed error."""
    desk.outside.teach("message *", SILENT)
    for _ in range(5):
        send(desk)
    status, error = desk.start(act("message_send", text="x")).next()
    assert (status, error["reason"]) == (400, "ACTION_FAILED")
    assert "circuit breaker is open" in error["message"]


def test_an_action_that_may_fail_is_skipped(desk: Desk) -> None:
    """The refusal is a failure like any other: the action's own policy applies."""
    desk.outside.teach("email *", SILENT)
    runs = [desk.start(act("email_send", subject="x"), talk("on")) for _ in range(6)]
    for run in runs:
        run.execute()
        assert (run.at, run.history) == ("on", ["email_send failed"])
    assert asked(desk, "email") == 5


def test_other_peers_are_asked_as_ever(desk: Desk) -> None:
    """And actions without a peer are not concerned."""
    desk.outside.teach("message *", SILENT)
    for _ in range(6):
        send(desk)
    run = desk.start(act("variable_set", key="a", value="b"), talk("hello"))
    run.execute()
    assert (run.said, run.variables) == (["hello"], {"a": "b"})


def test_a_peer_that_answers_with_errors_is_asked_as_ever(desk: Desk) -> None:
    """It is alive; 404 is what nobody has an answer for here."""
    for _ in range(9):
        send(desk)
    assert asked(desk, "message") == 9


def test_a_peer_that_is_back_is_asked_again(desk: Desk) -> None:
    """The first call after the pause decides."""
    hasty = desk.colleague(breaker_seconds=1e-9)
    hasty.outside.teach("message *", SILENT)
    for _ in range(6):
        send(hasty)
    assert asked(hasty, "message") == 6
    hasty.outside.teach("message *")
    runs = [send(hasty) for _ in range(3)]
    assert [run.at for run in runs] == ["sent"] * 3


def test_each_process_finds_out_for_itself(desk: Desk) -> None:
    """A colleague's connection may be the better one."""
    desk.outside.teach("message *", SILENT)
    for _ in range(6):
        send(desk)
    send(desk.colleague())
    assert asked(desk, "message") == 6


def test_a_direct_hash_is_done_without(desk: Desk) -> None:
    """Also while direct-manager is not asked; to renew one is refused."""
    desk.outside.teach("direct *", PeerTimeout("direct", 3))
    flows = [desk.flow(talk("x"), type="flow") for _ in range(6)]
    shown = desk.get(f"/v1/flows/{flows[-1]}").data
    assert (shown["direct_id"], len([ask for ask in desk.outside.asks if ask.peer == "direct"])) == (NIL, 5)
    assert desk.post(f"/v1/flows/{flows[-1]}/direct-hash-regenerate").reason == "DIRECT_FAILED"


class Hanging:
    """A peer that keeps whoever asks waiting until it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = Semaphore(0), Event()

    def __call__(self, _ask: Any) -> None:
        self.asked.release()
        assert self.go.wait(WAIT)


def test_one_hanging_peer_does_not_take_all_threads(desk: Desk) -> None:
    """Four threads, six activeflows that need it: two wait, four are refused, and then there are threads for others."""
    worker, peer = desk.colleague(threads=4, relief_threads=0, peer_wait_seconds=0.01), Hanging()
    worker.outside.teach("message *", peer)
    needing = [worker.start(act("message_send", text="x"), talk("sent")) for _ in range(6)]
    other = worker.start(talk("hello"))
    with ThreadPoolExecutor(4) as threads:
        first = [threads.submit(run.next) for run in needing[:2]]
        try:
            assert all(peer.asked.acquire(timeout=WAIT) for _ in first)
            refused = [threads.submit(run.next).result(WAIT) for run in needing[2:]]
            served = threads.submit(other.next).result(WAIT)
            assert not any(one.done() for one in first)
        finally:
            peer.go.set()
        answers = [one.result(WAIT) for one in first]
    assert [answer.reason for answer in refused] == ["ACTION_FAILED"] * 4
    assert all("2 calls wait for bin-manager.message-manager.request" in one.data["message"] for one in refused)
    assert served.data["option"]["text"] == "hello"
    assert [answer.data["option"]["text"] for answer in answers] == ["sent", "sent"]


def test_a_peer_that_calls_back_finds_a_thread(desk: Desk) -> None:
    """Six want to wait for it in four threads; it pushes actions into those for whom it works."""
    worker = desk.colleague(threads=4, relief_threads=0, peer_wait_seconds=0.01)
    runs = [worker.start(act("message_send", text=str(number)), talk("behind")) for number in range(6)]
    with ThreadPoolExecutor(4) as threads:

        def call_back(ask: Any) -> None:
            pushed = threads.submit(runs[int(ask.body["text"])].push, talk("pushed"))
            assert pushed.result(WAIT).status == 200

        worker.outside.teach("message *", call_back)
        answers = [one.result(WAIT) for one in [threads.submit(run.next) for run in runs]]
    worked = [answer.data["option"]["text"] for answer in answers if answer.status == 200]
    assert worked
    assert set(worked) == {"pushed"}
    assert {answer.reason for answer in answers if answer.status != 200} <= {"ACTION_FAILED"}
