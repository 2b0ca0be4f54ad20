"""The client without a server: records, errors, and what it does when answers are late, wrong or missing."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmanager import client as package
from flowmanager.client import (
    Action,
    Activeflow,
    ClientError,
    Flow,
    FlowManagerClient,
    Frame,
    RetryPolicy,
    StaleAction,
    Timeout,
    UnreadableAnswer,
)
from flowmanager.client.errors import BY_REASON, no_answer, refusal
from flowmanager.client.events import Seen
from flowmanager.core.activeflow import Activeflow as CoreActiveflow
from flowmanager.core.flow import Flow as CoreFlow
from flowmanager.core.ids import FINISH, NIL
from flowmanager.core.stacks import StackMap
from flowmanager.errors import BrokerLost, FlowManagerError, InvalidSetting, PeerError, PeerGarbled, PeerTimeout
from flowmanager.schemas.wire import detail_wire, flow_wire
from flowmanager.transport.shared_caller import CallerClosed
from tests.broker_room import Room, eventually, open_room

BRISK = RetryPolicy(attempts=3, attempt_seconds=0.15, pause=0.01)
EAGER = RetryPolicy(attempts=400, attempt_seconds=0.15, pause=0.01)
PATIENCE = 60.0
STALE = {"status_code": 409, "data_type": "voipbin_error", "data": {"reason": "STALE_ACTION", "domain": "flow-manager"}}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


class Worker:
    """Stands for flow-manager: gives the answers of a list, the last one for ever; None is silence."""

    def __init__(self, room: Room) -> None:
        self.answers: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        room.responder(self.answer, peer="flow")

    def answer(self, _queue: str, request: dict[str, Any]) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer() if callable(answer) else answer

    def will(self, *answers: Any) -> None:
        self.answers = list(answers)


@pytest.fixture
def room() -> Iterator[Room]:
    with open_room("memory://") as room:
        yield room


@pytest.fixture
def worker(room: Room) -> Worker:
    return Worker(room)


@pytest.fixture
def client(room: Room) -> Iterator[FlowManagerClient]:
    with FlowManagerClient(room.url, prefix=room.names.prefix, timeout=PATIENCE, publisher="me") as client:
        yield client


@pytest.fixture
def brisk(room: Room) -> Iterator[FlowManagerClient]:
    with FlowManagerClient(room.url, prefix=room.names.prefix, timeout=PATIENCE, retries=EAGER) as client:
        yield client


def good(data: Any) -> dict[str, Any]:
    return {"status_code": 200, "data_type": "application/json", "data": data}


def late(seconds: float, answer: Any) -> Callable[[], Any]:
    def wait() -> Any:
        sleep(seconds)
        return answer

    return wait


def test_everything_in_the_list_of_names_is_there() -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert package.__all__ == sorted(package.__all__)


def test_a_flow_is_read_as_the_server_writes_it() -> None:
    moment = datetime(2026, 5, 4, 7, 8, 9, 120_000, tzinfo=UTC)
    wire = flow_wire(CoreFlow(id="f", customer_id="c", name="desk", persist=True, tm_create=moment))
    assert Flow.read(wire) == Flow(id="f", customer_id="c", name="desk", persist=True, tm_create=moment)


def test_an_activeflow_is_read_as_the_server_writes_it() -> None:
    flow = CoreActiveflow(
        id="a", stacks=StackMap.of(()), variables={"k": "v"}, tm_create=datetime(2026, 5, 4, tzinfo=UTC)
    )
    read = Activeflow.read(detail_wire(flow, ()))
    assert (read.id, read.variables, read.ended, read.tm_create) == ("a", {"k": "v"}, False, flow.tm_create)
    assert list(read.stack_map) == [read.current_stack_id]


@given(st.dictionaries(st.text().map(lambda name: f"new_{name}"), JSON))
def test_new_keys_are_ignored(extra: dict[str, Any]) -> None:
    assert Activeflow.read({**extra, "id": "a"}) == Activeflow(id="a")


@pytest.mark.parametrize("kind", [Action, Flow, Frame, Activeflow])
def test_null_is_like_absent(kind: type[Any]) -> None:
    assert kind.read({**dict.fromkeys(kind.__annotations__), "id": "a"}) == kind.read({"id": "a"})


@pytest.mark.parametrize(
    "wire", [None, 5, [], {}, {"id": "f", "actions": 5}, {"id": "f", "actions": [5]}, {"id": "f", "tm_create": "noon"}]
)
def test_what_is_no_flow_is_an_error(wire: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Flow.read(wire)


def test_an_action_says_what_it_means() -> None:
    assert Action(id=FINISH).finished
    assert Action().blocked
    assert not Action(id="a").blocked
    assert Action(id="", type="talk").wire() == {"id": NIL, "next_id": NIL, "type": "talk", "option": {}}


@pytest.mark.parametrize(("reason", "kind"), BY_REASON.items())
def test_our_reasons_have_classes(reason: str, kind: type[ClientError]) -> None:
    body = {"reason": reason, "domain": "flow-manager", "message": "no", "details": [{"id": "x"}, 5]}
    error = refusal({"status_code": 400, "data_type": "voipbin_error", "data": body}, "GET /v1/x")
    assert type(error) is kind
    assert (error.reason, error.message, error.details) == (reason, "no", ({"id": "x"},))


@pytest.mark.parametrize(
    ("status_code", "kind", "reason"),
    [
        (300, "ServerError", "MULTIPLE_CHOICES"),
        (400, "InvalidRequest", "BAD_REQUEST"),
        (402, "Forbidden", "PAYMENT_REQUIRED"),
        (404, "NotFound", "NOT_FOUND"),
        (409, "Conflict", "CONFLICT"),
        (429, "ResourceExhausted", "TOO_MANY_REQUESTS"),
        (500, "ServerError", "INTERNAL_SERVER_ERROR"),
        (503, "Unavailable", "SERVICE_UNAVAILABLE"),
        (599, "ServerError", "UNKNOWN"),
    ],
)
@pytest.mark.parametrize("data", [{}, {"data_type": "voipbin_error", "data": 5}, {"data": {"reason": "FLOW_LIMIT"}}])
def test_bare_answers_are_told_apart_by_status(status_code: int, kind: str, reason: str, data: dict[str, Any]) -> None:
    error = refusal({"status_code": status_code, **data}, "GET /v1/x")
    assert (type(error).__name__, error.status_code, error.reason) == (kind, status_code, reason)


def test_another_managers_error_is_not_taken_for_ours() -> None:
    body = {"reason": "FLOW_NOT_FOUND", "domain": "queue-manager"}
    error = refusal({"status_code": 409, "data_type": "voipbin_error", "data": body}, "GET /v1/x")
    assert (type(error).__name__, error.domain) == ("Conflict", "queue-manager")


@pytest.mark.parametrize(
    ("cause", "kind", "status_code", "reason"),
    [
        (PeerTimeout("flow", 1.0), "Timeout", 504, "TIMEOUT"),
        (BrokerLost(why="reset"), "ConnectionLost", 503, "BROKER_LOST"),
        (PeerGarbled("flow", "not JSON"), "UnreadableAnswer", 502, "PEER_GARBLED"),
        (PeerError("flow", 503), "Unavailable", 503, "UNREACHABLE"),
        (CallerClosed(), "ClientClosed", 499, "CLOSED"),
    ],
)
def test_no_answer_is_an_error_of_the_client(cause: FlowManagerError, kind: str, status_code: int, reason: str) -> None:
    error = no_answer(cause, "GET /v1/x", 1.0)
    assert (type(error).__name__, error.status_code, error.reason) == (kind, status_code, reason)
    assert error.domain == "client"
    assert "GET /v1/x" in str(error)


def test_errors_can_be_sent_to_another_process() -> None:
    error = refusal({"status_code": 404}, "GET /v1/x")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_a_request_is_signed_and_named(client: FlowManagerClient, worker: Worker) -> None:
    worker.will(good(5))
    assert client.request("GET", "/v1/x", {"a": 1}, request_id="r-1") == 5
    expected = {"uri": "/v1/x", "method": "GET", "publisher": "me", "data_type": "application/json"}
    assert worker.requests == [{**expected, "data": {"a": 1}, "request_id": "r-1"}]
    assert client.request("GET", "/v1/x") == 5
    assert len(worker.requests[1]["request_id"]) == 36


def test_silence_makes_it_ask_again_under_the_same_name(brisk: FlowManagerClient, worker: Worker) -> None:
    worker.will(None, good(5))
    assert brisk.request("GET", "/v1/x") == 5
    first, *repeats = worker.requests
    assert [first] * len(repeats) == repeats
    assert repeats


def test_it_asks_so_often_and_waits_to_the_end(room: Room, worker: Worker) -> None:
    worker.will(None)
    began = monotonic()
    with FlowManagerClient(room.url, prefix=room.names.prefix, retries=BRISK) as client, pytest.raises(Timeout):
        client.request("GET", "/v1/x", timeout=1.0)
    assert monotonic() - began >= 1.0
    eventually(lambda: len(worker.requests) == BRISK.attempts)


def test_a_short_call_asks_once(client: FlowManagerClient, worker: Worker) -> None:
    worker.will(None)
    with pytest.raises(Timeout):
        client.request("GET", "/v1/x", timeout=0.1)
    assert len(worker.requests) == 1


@pytest.mark.parametrize("status_code", [400, 409, 500, 503])
def test_an_answer_is_final(client: FlowManagerClient, worker: Worker, status_code: int) -> None:
    worker.will({**STALE, "status_code": status_code})
    with pytest.raises(ClientError):
        client.request("GET", "/v1/x")
    assert len(worker.requests) == 1


def test_a_stale_repeat_waits_for_the_first_answer(brisk: FlowManagerClient, worker: Worker) -> None:
    worker.will(None, STALE, good(5))
    assert brisk.request("GET", "/v1/x") == 5


def test_a_repeat_that_stays_stale_is_stale(brisk: FlowManagerClient, worker: Worker) -> None:
    worker.will(None, STALE)
    with pytest.raises(StaleAction):
        brisk.request("GET", "/v1/x", timeout=2.0)


def test_an_answer_that_comes_too_late_is_dropped(client: FlowManagerClient, worker: Worker) -> None:
    worker.will(late(0.3, good("late")), good("right"))
    with pytest.raises(Timeout):
        client.request("GET", "/v1/x", timeout=0.1)
    assert client.request("GET", "/v1/x") == "right"


@pytest.mark.parametrize("answer", [{"status": 200}, good(None), good([]), good({"actions": 5}), good({"count": "x"})])
def test_an_answer_that_cannot_be_read_is_an_error(client: FlowManagerClient, worker: Worker, answer: Any) -> None:
    worker.will(answer)
    with pytest.raises(UnreadableAnswer):
        client.flows.get(str(uuid4()))
    with pytest.raises(UnreadableAnswer):
        client.flows.count(str(uuid4()))


@pytest.mark.parametrize("page", [None, {}, [{"name": "no id"}], [5]])
def test_a_page_that_cannot_be_read_is_an_error(client: FlowManagerClient, worker: Worker, page: Any) -> None:
    worker.will(good(page))
    with pytest.raises(UnreadableAnswer):
        list(client.flows.list())


@pytest.mark.parametrize("url", ["http://localhost", "nonsense", "filesystem://"])
def test_an_unusable_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidSetting):
        FlowManagerClient(url)


def test_closing_an_unused_client_and_closing_twice_is_harmless() -> None:
    with FlowManagerClient("memory://") as client:
        client.close()


@given(st.lists(st.sampled_from("abcdefg")), st.integers(1, 5))
def test_the_latest_ids_are_remembered(ids: list[str], size: int) -> None:
    seen = Seen(size)
    for one in [*ids, ""]:
        seen.add(one)
    assert all(one in seen for one in ids[-size:])
    assert "" not in seen
