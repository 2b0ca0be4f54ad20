"""Repeats: whatever is sent or delivered again gets the first answer, byte for byte, and nothing happens twice."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from flowmanager.core.ids import START
from flowmanager.errors import BrokerLost
from tests.desk import Answer, Desk, Killed, Run, act, during, new_id, service, talk

REQUESTS: list[tuple[str, str, str, Any]] = [
    ("next", "GET", "{run}/next", {"current_action_id": START}),
    ("execute", "POST", "{run}/execute", None),
    ("stop", "POST", "{run}/stop", None),
    ("delete", "DELETE", "{run}", None),
    ("push", "POST", "{run}/push_actions", {"actions": [talk("aside")]}),
    ("forward", "PUT", "{run}/forward_action_id", {"forward_action_id": START}),
    ("service_stop", "POST", "{run}/service_stop", {"service_id": new_id()}),
    ("variables", "POST", "/v1/variables/{id}/variables", {"variables": {"digits": "${digits}7"}}),
    ("create", "POST", "/v1/activeflows", {"reference_type": "api"}),
    ("flow create", "POST", "/v1/flows", {"actions": [talk("x")], "persist": True}),
    ("flow update", "PUT", "/v1/flows/{flow}", {"name": "b"}),
    ("flow delete", "DELETE", "/v1/flows/{flow}", None),
]
IDENTITIES: list[dict[str, Any]] = [
    {"request_id": "again"},
    {"message_id": "again"},
    {"correlation_id": "1", "reply_to": "caller.queue"},
]


def replies(desk: Desk) -> list[bytes]:
    """The bytes of all answers."""
    return [body for _, body in desk.outside.replies]


def snapshot(desk: Desk, run: Run) -> tuple[Any, ...]:
    """Everything that a request could have changed."""
    flows = desk.get("/v1/flows?page_size=1000").data
    activeflows = desk.get("/v1/activeflows?page_size=1000").data
    return flows, activeflows, run.record, desk.events(), desk.asked


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize("identity", IDENTITIES, ids=["request_id", "message_id", "reply address"])
@pytest.mark.parametrize("request_", [one[1:] for one in REQUESTS], ids=[one[0] for one in REQUESTS])
def test_a_repeated_request_gets_the_first_answer(
    desk: Desk, request_: tuple[str, str, Any], identity: dict[str, Any], redelivered: bool
) -> None:
    """And nothing happens twice, whatever has happened in between."""
    method, uri, data = request_
    run = desk.start(talk("one"), talk("two"))
    where = uri.format(run=run.uri, id=run.id, flow=run.record["flow_id"])
    assert desk.request(method, where, data, **identity).status == 200
    first = replies(desk)[-1]
    desk.start(talk("meanwhile"))
    before = snapshot(desk, run)
    desk.request(method, where, data, **identity, redelivered=redelivered)
    assert replies(desk)[-1] == first
    assert snapshot(desk, run) == before


def test_a_repeat_is_answered_by_another_worker(desk: Desk) -> None:
    """The answer is in the database."""
    run = desk.start(talk("one"))
    run.next(request_id="r1")
    first = replies(desk)[-1]
    desk.colleague().get(f"{run.uri}/next", {"current_action_id": START}, request_id="r1")
    assert replies(desk)[-1] == first


def test_the_first_answer_stays_after_the_flow_has_moved_on(desk: Desk) -> None:
    """A late repeat of the first `next` does not hand out the second action."""
    run = desk.start(talk("one"), talk("two"))
    first = run.next(request_id="r1")
    run.next()
    assert run.next(seen=START, request_id="r1") == first
    assert run.at == "two"


def test_different_requests_are_different(desk: Desk) -> None:
    """The same body with another identity is another request; without any it is one too."""
    run = desk.start(talk("one"))
    for how in ({"request_id": "r1"}, {"request_id": "r2"}, {"reply_to": ""}, {"reply_to": ""}):
        run.set_variables({"digits": "${digits}7"}, **how)
    assert run.variables == {"digits": "7777"}


def test_a_refusal_is_repeated_as_a_refusal(desk: Desk) -> None:
    """What failed before fails again."""
    run = desk.start(talk("one"))
    run.stop()
    first = run.next(request_id="r1")
    assert first.status == 409
    assert run.next(request_id="r1") == first


def test_the_error_of_a_failed_action_is_the_first_answer_too(desk: Desk) -> None:
    """The repeat does not find an ended activeflow but hears why it ended."""
    run = desk.start(act("branch", target_ids={}))
    first = run.next(request_id="r1")
    assert first.reason == "ACTION_FAILED"
    assert run.next(request_id="r1") == first


def test_a_creation_with_an_id_is_harmless_to_repeat(desk: Desk) -> None:
    """Also as a new request: the id tells."""
    flow_id, wanted, call_id = desk.flow(talk("one")), new_id(), new_id()
    first = desk.create(flow_id, id=wanted, reference_id=call_id)
    events = desk.events()
    assert desk.create(flow_id, id=wanted, reference_id=call_id) == first
    assert desk.events() == events


def test_an_answer_that_could_not_be_sent_is_sent_by_the_next_delivery(desk: Desk) -> None:
    """The broker was lost between commit and answer."""
    run = desk.start(talk("one"), talk("two"))
    desk.outside.down = True
    with pytest.raises(BrokerLost):
        run.next(request_id="r1")
    desk.outside.down = False
    status, action = run.next(request_id="r1", redelivered=True)
    assert (status, action["option"]["text"], run.at) == (200, "one", "one")


def connecting(desk: Desk) -> Run:
    """A call that is about to be connected, by a step that asks two peers."""
    desk.outside.teach("call POST /v1/confbridges", {"id": new_id()})
    desk.outside.teach("call POST /v1/calls", {"calls": [{"id": new_id()}], "groupcalls": []})
    return desk.start(act("connect", destinations=[{"type": "tel", "target": "+1"}]), talk("bye"))


def keys_of(desk: Desk, uri: str) -> list[str]:
    """The idempotency keys of the questions about a URI."""
    return [ask.key for ask in desk.outside.asks if ask.uri == uri]


@pytest.mark.parametrize("drive", ["next", "execute"])
@pytest.mark.parametrize("where", ["call POST /v1/confbridges", "call POST /v1/calls"])
def test_a_redelivered_request_takes_over_the_step_of_a_dead_worker(desk: Desk, drive: str, where: str) -> None:
    """The same keys are sent, and what was answered already is not asked again."""
    run = connecting(desk)
    drives = {"next": run.next, "execute": run.execute}
    desk.dies_in(where, lambda: drives[drive](request_id="r1"))
    assert run.state == "executing"
    other = Run(desk.colleague(), run.id, run.reference_id)
    again = {"next": other.next, "execute": other.execute}[drive](request_id="r1", redelivered=True)
    assert again.status == 200
    assert (run.at, run.state, run.record["stack_depth"]) == ("confbridge_join", "waiting", 1)
    uris = [line.split()[2] for line in desk.asked]
    asked_twice = where.split()[2]
    assert sorted(set(uris)) == sorted({"/v1/confbridges", "/v1/calls", *uris[3:]})
    assert [uris.count("/v1/confbridges"), uris.count("/v1/calls")] == ([2, 1] if "confb" in where else [1, 2])
    first, second = keys_of(desk, asked_twice)
    assert first == second != ""


def test_a_repeat_that_is_no_redelivery_does_not_take_over(desk: Desk) -> None:
    """The first worker may be alive: the repeat waits for its answer."""
    run = connecting(desk)
    with ThreadPoolExecutor(1) as pool:
        repeated: list[Future[Answer]] = []
        again = partial(desk.get, f"{run.uri}/next", {"current_action_id": START}, request_id="r1")
        question = during(lambda: repeated.append(pool.submit(again)), answer={"id": new_id()})
        desk.outside.teach("call POST /v1/confbridges", question)
        first = run.next(request_id="r1")
        assert (first.status, repeated[0].result()) == (200, first)
    assert len(keys_of(desk, "/v1/confbridges")) == 1


def test_a_push_that_was_stored_is_not_made_twice(desk: Desk) -> None:
    """The worker dies while it tells queue-manager that the frame is there."""
    service_id = new_id()
    desk.outside.teach("queue POST /v1/services/*", service(service_id, talk("hold", id=new_id())))
    desk.outside.teach("queue POST /v1/queuecalls/*")
    run = desk.start(act("queue_join", queue_id=new_id()), talk("bye"))
    desk.dies_in("queue POST /v1/queuecalls/*", lambda: run.next(request_id="r1"))
    run.seen = START
    assert run.next(request_id="r1", redelivered=True).data["option"]["text"] == "hold"
    assert run.walk() == ["bye", "finish"]
    assert [line.split()[2].split("/")[2] for line in desk.asked] == ["services", "queuecalls", "queuecalls"]
    assert run.history == ["queue_join done", "talk done", "talk done"]


def test_a_redelivered_event_takes_over_the_step_of_a_dead_worker(desk: Desk) -> None:
    """Not only requests drive flows."""
    desk.outside.teach("email *")
    run = desk.start(talk("one"), act("email_send", subject="x"), talk("two"))
    run.execute()
    desk.dies_in("email *", lambda: run.done(message_id="m1"))
    assert (run.at, run.state) == ("email_send", "executing")
    run.done(message_id="m1", redelivered=True)
    assert (run.at, run.said) == ("two", ["one", "two"])
    first, second = keys_of(desk, "/v1/emails")
    assert first == second


def test_each_question_of_a_flow_has_a_key_of_its_own(desk: Desk) -> None:
    """Also the same action in a loop."""
    desk.outside.teach("email *")
    run = desk.start(act("email_send", id="mail", subject="x"), act("goto", target_id="mail", loop_count=4))
    run.walk()
    keys = keys_of(desk, "/v1/emails")
    assert (len(keys), len(set(keys))) == (5, 5)


def test_a_temporary_flow_is_stored_once_for_a_repeated_step(desk: Desk) -> None:
    """`connect` stores the flow of the legs; the repeat finds it."""
    run = connecting(desk)
    desk.dies_in("call POST /v1/calls", lambda: run.next(request_id="r1"))
    run.seen = START
    run.next(request_id="r1", redelivered=True)
    first, second = [ask.body["flow_id"] for ask in desk.outside.asks if ask.uri == "/v1/calls"]
    assert first == second
    assert [one["type"] for one in desk.get(f"/v1/flows/{first}").data["actions"]] == ["confbridge_join", "hangup"]


def test_a_flow_is_created_once_although_its_worker_died(desk: Desk) -> None:
    """direct-manager is asked with the same key; one flow is stored."""
    direct = {"id": new_id(), "hash": "k7Qp2mXw"}
    desk.outside.teach("direct POST /v1/directs", direct)
    body = {"customer_id": desk.customer_id, "type": "flow", "persist": True, "actions": [talk("x")]}
    desk.dies_in("direct POST *", lambda: desk.post("/v1/flows", body, request_id="r1"))
    made = desk.post("/v1/flows", body, request_id="r1", redelivered=True).data
    assert made["direct_hash"] == "k7Qp2mXw"
    first, second = keys_of(desk, "/v1/directs")
    assert first == second
    assert len(desk.get("/v1/flows?", {"customer_id": desk.customer_id}).data) == 1


def test_a_death_between_commit_and_answer_costs_nothing(desk: Desk) -> None:
    """The redelivered message finds the committed answer."""
    run = desk.start(act("variable_set", key="n", value="${n}1"), talk("one"))
    desk.outside.dies_after_commit = True
    with pytest.raises(Killed):
        run.next(request_id="r1")
    desk.outside.dies_after_commit = False
    assert run.next(request_id="r1", redelivered=True).data["option"]["text"] == "one"
    assert run.variables == {"n": "1"}
    desk.later(6)
    desk.sweep()
    assert desk.events(run) == ["activeflow_created", "activeflow_updated"]


DIRECT = {"id": new_id(), "hash": "k7Qp2mXw"}


def with_direct_manager(desk: Desk) -> str:
    """A stored flow, and a direct-manager that answers."""
    flow_id = desk.flow(talk("x"))
    desk.outside.teach("direct POST /v1/directs", DIRECT)
    desk.outside.teach("direct POST /v1/directs/*/regenerate", DIRECT)
    return flow_id


@pytest.mark.parametrize("uri", ["/v1/flows", "/v1/flows/{flow}/direct-hash-regenerate"])
def test_a_repeat_does_not_ask_direct_manager_again(desk: Desk, uri: str) -> None:
    """A second hash would make the first answer wrong."""
    where = uri.format(flow=with_direct_manager(desk))
    body = {"type": "flow", "persist": True, "customer_id": desk.customer_id}
    first = desk.post(where, body, request_id="r1")
    assert (first.status, len(desk.asked)) == (200, 1)
    assert desk.post(where, body, request_id="r1") == first
    assert len(desk.asked) == 1


def test_the_direct_hash_belongs_to_the_flow_that_was_stored(desk: Desk) -> None:
    """Also when the first worker died after direct-manager was asked."""
    with_direct_manager(desk)
    body = {"type": "flow", "persist": True, "customer_id": desk.customer_id}
    desk.dies_in("direct POST *", lambda: desk.post("/v1/flows", body, request_id="r1"))
    made = desk.post("/v1/flows", body, request_id="r1", redelivered=True).data
    assert [ask.body["resource_id"] for ask in desk.outside.asks] == [made["id"], made["id"]]


def test_a_request_id_may_be_used_again_when_its_answer_is_forgotten(desk: Desk) -> None:
    """Then it is a new request, and makes a new flow."""
    with_direct_manager(desk)
    body = {"type": "flow", "persist": True, "customer_id": desk.customer_id}
    first = desk.post("/v1/flows", body, request_id="r1")
    desk.later(601)
    desk.store.purge(limit=100)
    second = desk.post("/v1/flows", body, request_id="r1")
    assert (first.status, second.status) == (200, 200)
    assert first.data["id"] != second.data["id"]


def test_the_same_creation_at_the_same_time_makes_one_activeflow(desk: Desk) -> None:
    """Whoever comes second finds the record of the first."""
    flow_id = desk.flow(talk("one"))
    for _ in range(5):
        wanted, call_id = new_id(), new_id()
        create = partial(desk.create, flow_id, id=wanted, reference_id=call_id)
        with ThreadPoolExecutor(4) as pool:
            answers = [one.result() for one in [pool.submit(create) for _ in range(4)]]
        assert {answer.status for answer in answers} == {200}
        assert desk.events(desk.run(wanted)) == ["activeflow_created"]


def test_the_same_request_at_the_same_time_is_carried_out_once(desk: Desk) -> None:
    """Four workers get one message."""
    for number in range(5):
        run = desk.start(talk("one"), talk("two"))
        step = partial(desk.get, f"{run.uri}/next", {"current_action_id": START}, request_id=f"r{number}")
        with ThreadPoolExecutor(4) as pool:
            answers = [one.result() for one in [pool.submit(step) for _ in range(4)]]
        assert [answer.status for answer in answers] == [200] * 4
        assert len({str(answer.data) for answer in answers}) == 1
        assert (run.at, run.record["execute_count"]) == ("one", 1)


def test_callers_that_race_get_an_action_once(desk: Desk) -> None:
    """Different requests: one gets it, the others are late."""
    run = desk.start(*[talk(str(number)) for number in range(10)])
    for number in range(10):
        seen = run.seen
        step = partial(desk.get, f"{run.uri}/next", {"current_action_id": seen})
        with ThreadPoolExecutor(4) as pool:
            answers = [one.result() for one in [pool.submit(step) for _ in range(4)]]
        assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
        run.seen = run.current["id"]
        assert run.at == str(number)
