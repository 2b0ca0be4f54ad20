"""Recovery: what a dead worker left is finished by another; what a slow one brings too late is dropped."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from flowmanager.errors import BrokerLost
from flowmanager.ports import MessageKind
from flowmanager.store.tables import activeflows
from tests.desk import ORPHAN_SECONDS, SWEEP, Desk, Run, act, during, new_id, service, talk


def orphan(desk: Desk, *actions: Any) -> Run:
    """A flow whose worker died while it asked email-manager."""
    run = desk.start(*(actions or (act("email_send", subject="x"), talk("two"))))
    desk.outside.teach("email *")
    desk.dies_in("email *", run.execute)
    assert (run.at, run.state) == ("email_send", "executing")
    return run


def test_an_orphan_is_taken_over_when_its_workers_heartbeat_is_old(desk: Desk) -> None:
    """Not before: the worker may only be slow."""
    run = orphan(desk)
    other = desk.colleague()
    desk.later(ORPHAN_SECONDS / 2)
    other.sweep()
    assert run.state == "executing"
    desk.later(ORPHAN_SECONDS / 2)
    other.sweep()
    assert (run.at, run.said, run.history) == ("two", ["two"], ["email_send done"])
    first, second = [ask.key for ask in desk.outside.asks if ask.peer == "email"]
    assert first == second


def test_an_orphan_of_a_worker_that_never_gave_a_heartbeat_is_taken_over(desk: Desk) -> None:
    """Its row may have been deleted long ago."""
    run = orphan(desk)
    desk.later(3601)
    other = desk.colleague()
    desk.store.purge(limit=100)
    other.sweep()
    assert run.at == "two"


def test_an_orphan_is_taken_over_by_one_worker(desk: Desk) -> None:
    """The fence decides between two that look at the same time."""
    run = orphan(desk)
    desk.later(11)
    desk.outside.teach("email *", during(desk.colleague().sweep, desk.colleague().sweep))
    desk.colleague().sweep()
    assert (run.history, run.said) == (["email_send done"], ["two"])
    assert len([line for line in desk.asked if line.startswith("email")]) == 2


def test_the_result_of_a_worker_that_was_taken_for_dead_is_dropped(desk: Desk) -> None:
    """Its fence is old: the flow goes on once, by whoever took it over."""
    run = desk.start(act("email_send", subject="x"), talk("two"), talk("three"))
    other = desk.colleague()

    def taken_over() -> None:
        desk.later(11)
        other.store.heartbeat(other.worker_id)
        desk.outside.teach("email *")
        other.sweep()
        run.done()

    desk.outside.teach("email *", during(taken_over))
    run.execute()
    assert (run.at, run.said, run.history) == ("three", ["two", "three"], ["email_send done", "talk done"])


def test_the_caller_of_a_worker_that_was_taken_for_dead_is_refused(desk: Desk) -> None:
    """It must not perform an action twice."""
    run = desk.start(act("email_send", subject="x"), act("sleep", duration=60_000), reference_type="api")
    other = desk.colleague()

    def taken_over() -> None:
        desk.later(11)
        other.store.heartbeat(other.worker_id)
        other.sweep()

    desk.outside.teach("email *", during(taken_over))
    assert run.next().status in (200, 409)
    assert (run.at, run.history) == ("sleep", ["email_send done"])


@pytest.mark.parametrize("drive", ["next", "execute"])
def test_a_stop_during_a_question_wins_at_once(desk: Desk, drive: str) -> None:
    """The late answer is dropped; the caller of a `next` is told that the flow is over."""
    run = desk.start(act("email_send", subject="x"), talk("never"))
    stops: list[Any] = []
    desk.outside.teach("email *", during(lambda: stops.append(run.stop())))
    status, data = run.next() if drive == "next" else run.execute()
    assert (stops[0].status, stops[0].data["ended_reason"]) == (200, "stop_request")
    assert (status, data and data["reason"]) == ((409, "ACTIVEFLOW_ENDED") if drive == "next" else (200, None))
    assert (run.ended, run.history, run.said) == ("stop_request", ["email_send interrupted"], [])
    assert desk.events(run) == ["activeflow_created", "activeflow_updated"]


def test_a_deletion_during_a_question_wins_at_once(desk: Desk) -> None:
    """As a stop does."""
    run = desk.start(act("email_send", subject="x"), talk("never"))
    desk.outside.teach("email *", during(run.delete))
    run.execute()
    assert (run.ended, run.said) == ("deleted", [])


def test_variables_set_during_a_question_are_not_lost(desk: Desk) -> None:
    """They change under the row lock, and the turn reads them again."""
    run = desk.start(act("email_send", subject="x"), talk("got ${colour}"))
    desk.outside.teach("email *", during(lambda: run.set_variables({"colour": "red"})))
    run.execute()
    assert run.at == "got red"


def test_a_jump_during_a_question_is_not_lost(desk: Desk) -> None:
    """It is made when the action is done."""
    run = desk.start(act("email_send", subject="x"), talk("two"), talk("three"))
    desk.outside.teach("email *", during(lambda: run.forward(run.find("three"))))
    run.execute()
    assert run.said == ["three"]


@pytest.mark.parametrize("command", ["next", "execute", "go_on"])
def test_commands_during_a_question_are_stale(desk: Desk, command: str) -> None:
    """A flow that is executing is resumed by nobody."""
    run = desk.start(act("email_send", subject="x"), talk("two"))
    acts = {"next": run.next, "execute": run.execute, "go_on": run.go_on}
    answers: list[Any] = []
    desk.outside.teach("email *", during(lambda: answers.append(acts[command]())))
    run.execute()
    assert answers[0].status == (200 if command == "execute" else 409)
    assert (run.said, run.record["execute_count"]) == (["two"], 1)


def test_a_worker_that_loses_the_broker_leaves_the_turn_to_the_sweeper(desk: Desk) -> None:
    """At once, without waiting for its own heartbeat to get old."""
    run = desk.start(act("email_send", subject="x"), talk("two"))
    desk.outside.teach("email *", BrokerLost())
    with pytest.raises(BrokerLost):
        run.execute()
    assert run.state == "executing"
    desk.outside.teach("email *")
    desk.sweep()
    assert (run.at, run.history) == ("two", ["email_send done"])


def test_left_over_messages_are_published_in_commit_order(desk: Desk) -> None:
    """The broker was away; somebody else publishes what is late."""
    run = desk.start(talk("one"), talk("two"))
    desk.outside.published.clear()
    for _ in range(3):
        desk.outside.down = True
        with pytest.raises(BrokerLost):
            run.next(reply_to="")
        desk.outside.down = False
        run.seen = run.current["id"]
    other = desk.colleague()
    desk.later(SWEEP.outbox / 2)
    other.sweep()
    assert desk.events() == []
    desk.later(SWEEP.outbox / 2)
    other.sweep()
    told = [one["data"]["executed_count"] for one in desk.sent()]
    assert (desk.events(), told) == (["activeflow_updated"] * 3, [0, 1, 2])
    other.sweep()
    assert len(desk.events()) == 3


def test_events_leave_in_commit_order_each_with_its_id(desk: Desk) -> None:
    """The history that they tell has no gaps and no repeats."""
    run = desk.start(*[talk(str(number)) for number in range(5)])
    run.execute()
    for _ in range(5):
        run.done()
    sent = [one for one in desk.sent() if one["data"]["id"] == run.id]
    assert len({one["id"] for one in sent}) == len(sent) == 7
    told = [step["option"]["text"] for one in sent for step in one["data"]["executed_actions"]]
    assert told == [str(number) for number in range(5)]
    times = [one["data"]["tm_update"] for one in sent[1:]]
    assert None not in times


def test_steps_of_a_turn_with_questions_are_told_once(desk: Desk) -> None:
    """Transactions in the middle of a turn tell nothing; the pause tells all."""
    desk.outside.teach("email *")
    run = desk.start(act("email_send", subject="x"), act("variable_set", key="a", value="b"), talk("two"))
    run.execute()
    sent = [one["data"] for one in desk.sent() if one["data"]["id"] == run.id]
    told = [[step["type"] for step in one["executed_actions"]] for one in sent]
    assert told == [[], ["email_send", "variable_set"]]


def test_steps_of_an_interrupted_turn_are_told_after_all(desk: Desk) -> None:
    """The worker died after its first step was stored; whoever takes over tells it."""
    run = orphan(desk, act("variable_set", key="a", value="b"), act("email_send", subject="x"), talk("two"))
    desk.later(11)
    desk.colleague().sweep()
    sent = [one["data"] for one in desk.sent() if one["data"]["id"] == run.id]
    assert [step["type"] for one in sent for step in one["executed_actions"]] == ["variable_set", "email_send"]


@pytest.mark.parametrize("end", ["stop", "hang_up"])
def test_steps_of_an_interrupted_turn_are_told_by_its_end(desk: Desk, end: str) -> None:
    """Also when nobody takes over any more."""
    run = orphan(desk, act("variable_set", key="a", value="b"), act("email_send", subject="x"), talk("two"))
    {"stop": run.stop, "hang_up": run.hang_up}[end]()
    told = desk.sent()[-1]["data"]
    assert [step["type"] for step in told["executed_actions"]] == ["variable_set", "email_send"]
    assert (told["executed_count"], run.history) == (2, ["variable_set done", "email_send interrupted"])


def test_an_event_that_came_for_an_orphan_is_applied_after_the_take_over(desk: Desk) -> None:
    """call-manager began the talk, the worker died, the talk was over."""
    run = desk.start(talk("one"), talk("two"))
    desk.dies_in("call POST */actions", run.execute)
    run.done()
    desk.later(11)
    desk.colleague().sweep()
    assert (run.at, run.history) == ("two", ["talk done"])


def test_webhooks_leave_with_the_events(desk: Desk) -> None:
    """A request to webhook-manager that nobody answers, reduced to what customers may see."""
    run = desk.start(talk("one"), webhook_uri="https://example.com", webhook_method="POST")
    run.stop()
    requests = desk.sent(kind=MessageKind.REQUEST)
    assert [(one["method"], one["uri"]) for one in requests] == [("POST", "/v1/webhooks")] * 2
    assert [one["data"]["data"]["type"] for one in requests] == ["activeflow_created", "activeflow_updated"]
    shown = requests[-1]["data"]["data"]["data"]
    assert (shown["id"], shown["webhook_uri"]) == (run.id, "https://example.com")
    assert not {"stack_map", "current_stack_id", "forward_stack_id", "execute_count"} & shown.keys()


def test_an_activeflow_of_nobody_has_no_webhook(desk: Desk) -> None:
    """Its event is enough."""
    nobody = "00000000-0000-0000-0000-000000000000"
    made = desk.post("/v1/activeflows", {"customer_id": nobody, "reference_type": "api", "reference_id": new_id()})
    assert made.status == 200
    assert desk.sent(kind=MessageKind.REQUEST) == []


def test_a_service_that_was_over_before_the_take_over_is_not_pushed_again(desk: Desk) -> None:
    """The worker died while it told queue-manager of the frame; the agent answered meanwhile."""
    service_id = new_id()
    desk.outside.teach("queue POST /v1/services/*", service(service_id, talk("hold", id=new_id())))
    desk.outside.teach("queue POST /v1/queuecalls/*")
    run = desk.start(act("queue_join", queue_id=new_id()), talk("bye"))
    desk.dies_in("queue POST /v1/queuecalls/*", run.execute)
    assert run.service_stop(service_id).status == 200
    desk.later(11)
    desk.colleague().sweep()
    assert (run.said, run.history, run.record["stack_depth"]) == (["bye"], ["queue_join done"], 0)


def broken(desk: Desk, run: Run) -> None:
    """Make a record that cannot be read."""
    with desk.engines.transactions.begin() as connection:
        connection.execute(update(activeflows).where(activeflows.c.id == run.id).values(current_action={}))


@pytest.mark.parametrize("duty", ["timer", "take-over"])
def test_a_record_that_cannot_be_read_does_not_hold_up_the_others(desk: Desk, duty: str) -> None:
    """The sweeper leaves it alone and goes on."""
    if duty == "timer":
        runs = [desk.start(act("sleep", duration=1000), talk("two")) for _ in range(3)]
        for run in runs:
            run.execute()
    else:
        runs = [orphan(desk) for _ in range(3)]
    broken(desk, runs[0])
    desk.later(11)
    desk.colleague().sweep()
    assert [run.at for run in runs[1:]] == ["two", "two"]


def test_a_record_that_cannot_be_read_is_answered_with_an_error(desk: Desk) -> None:
    """500, once; the worker goes on."""
    run = desk.start(talk("one"))
    broken(desk, run)
    status, error = desk.get(run.uri)
    assert (status, error["reason"]) == (500, "INTERNAL")
    assert desk.start(talk("one")).next().status == 200


@pytest.mark.parametrize("drive", ["next", "execute"])
def test_a_fault_of_an_action_does_not_leave_the_flow_hanging(desk: Desk, drive: str) -> None:
    """It counts as a failure of the action."""
    desk.outside.teach("queue *", ZeroDivisionError("a bug"))
    desk.outside.teach("email *", ZeroDivisionError("a bug"))
    run = desk.start(act("email_send", subject="x"), act("queue_join", queue_id=new_id()))
    {"next": run.next, "execute": run.execute}[drive]()
    assert (run.ended, run.history) == ("error", ["email_send failed", "queue_join failed"])


def test_an_event_that_cannot_be_applied_does_not_stop_at_the_first_flow(desk: Desk) -> None:
    """Of two flows on a call one has no room for more variables; the other still hears the event."""
    call_id = new_id()
    runs = [desk.start(talk("one"), reference_id=call_id, reference_type="api") for _ in range(2)]
    for number in range(8):
        runs[0].set_variables({f"k{number}": "x" * 30_000})
    runs[0].set_variables({"rest": "x" * 20_000})
    text = {"type": "transcribe", "event": "result", "reference_id": call_id, "data": {"text": "y" * 3000}}
    desk.event(text)
    assert "voipbin.transcribe.text" not in runs[0].variables
    assert runs[1].variables["voipbin.transcribe.text"] == "y" * 3000


def test_an_event_with_too_long_a_text_is_discarded(desk: Desk) -> None:
    """It must not come back for ever; the flow goes on waiting."""
    run = desk.start(talk("one"))
    run.execute()
    desk.event({"type": "transcribe", "event": "result", "reference_id": run.reference_id, "text": "y" * 40_000})
    assert (run.state, run.variables) == ("waiting", {})
