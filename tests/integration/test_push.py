"""Push: nobody asks for the next action; media actions are sent to call-manager and completed by events."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.errors import PeerTimeout
from tests.desk import Desk, Run, act, during, moment, new_id, peer_error, service, talk


def looping(*ids: str) -> list[dict[str, Any]]:
    """A wait flow that goes round for ever."""
    hold, again = ids or (new_id(), new_id())
    return [talk("please hold", id=hold), act("goto", id=again, target_id=hold)]


def queued(desk: Desk, *behind: Any, wait: Any = None) -> tuple[Run, str]:
    """A call that was put into a queue; the id of the queue's service."""
    service_id = new_id()
    desk.outside.teach("queue POST /v1/services/type/queuecall", service(service_id, *(wait or looping())))
    desk.outside.teach(f"queue POST /v1/queuecalls/{service_id}/status_waiting")
    run = desk.start(act("queue_join", queue_id=new_id()), *behind)
    return run, service_id


def test_execute_is_answered_before_the_work_is_done(desk: Desk) -> None:
    """The 200 is out when call-manager is asked for the first time."""
    run = desk.start(talk("hello"))
    seen: list[int] = []
    desk.outside.teach("call POST *", lambda _: seen.append(len(desk.outside.replies)))
    replies = len(desk.outside.replies)
    assert run.execute() == (200, None)
    assert seen == [replies + 1]


def test_a_media_action_is_sent_to_call_manager(desk: Desk) -> None:
    """Id, type and substituted option, and whose it is."""
    run = desk.start(talk("hi ${name}"), variables={"name": "Dana"})
    run.execute()
    ask = desk.outside.asks[-1]
    assert (ask.peer, ask.method, ask.uri) == ("call", "POST", f"/v1/calls/{run.reference_id}/actions")
    action = {"id": run.current["id"], "type": "talk", "option": {"text": "hi Dana"}}
    assert ask.body == {"activeflow_id": run.id, "action": action}
    assert (run.state, run.at) == ("waiting", "hi Dana")


def test_a_second_execute_changes_nothing(desk: Desk) -> None:
    """200, and nothing is said twice."""
    run = desk.start(talk("one"), talk("two"))
    run.execute()
    before = run.record
    assert run.execute() == (200, None)
    assert (run.record, run.said) == (before, ["one"])


def test_execute_of_an_ended_or_unknown_activeflow(desk: Desk) -> None:
    """An ended one: 200 without effect; an unknown one: 404."""
    run = desk.start(talk("one"))
    run.stop()
    before = run.record
    assert run.execute() == (200, None)
    assert run.record == before
    assert desk.post(f"/v1/activeflows/{new_id()}/execute").status == 404


def test_an_action_that_nobody_waits_for_is_done_with_the_answer(desk: Desk) -> None:
    """`answer`, and `talk` with `async`, go on at once."""
    run = desk.start(act("answer"), act("talk", text="music", **{"async": True}), talk("hello"))
    run.execute()
    assert run.at == "hello"
    assert run.history == ["answer done", "talk done"]


@pytest.mark.parametrize("form", ["short", "managers", "asterisk"])
def test_a_media_event_completes_the_action(desk: Desk, form: str) -> None:
    """In the short format and in that of the managers."""
    run = desk.start(talk("one"), talk("two"))
    run.execute()
    named = {"call_id": run.reference_id, "action_id": run.current["id"]}
    bodies = {
        "short": {"type": "media", "event": "done", **named},
        "managers": {"type": "action_done", "publisher": "call-manager", "data": {**named, "activeflow_id": run.id}},
        "asterisk": {"type": "media", "event": "PlaybackFinished", "call_id": run.reference_id},
    }
    desk.event(bodies[form])
    assert (run.said, run.history) == (["one", "two"], ["talk done"])


def test_the_history_names_what_made_each_step_end(desk: Desk) -> None:
    """Cause and times of every action."""
    run = desk.start(talk("one"), talk("two"))
    run.execute()
    run.done()
    run.hang_up()
    steps = run.record["executed_actions"]
    assert [step["cause"] for step in steps] == ["media_done", "call_hangup"]
    assert all(moment(step["tm_execute"]) <= moment(step["tm_end"]) for step in steps)


def test_an_event_before_the_answer_is_kept_and_applied(desk: Desk) -> None:
    """The talk is over before call-manager has answered that it began."""
    run = desk.start(talk("one"), talk("two"))
    desk.outside.teach("call POST */actions", during(run.done))
    run.execute()
    assert (run.said, run.at, run.state) == (["one", "two"], "two", "waiting")
    assert run.history == ["talk done"]


def test_an_early_event_for_another_action_is_dropped(desk: Desk) -> None:
    """Kept events are checked like any other."""
    run = desk.start(talk("one"), talk("two"))
    desk.outside.teach("call POST */actions", during(lambda: run.done(new_id())))
    run.execute()
    assert (run.said, run.at) == (["one"], "one")
    run.done()
    assert run.at == "two"


def test_early_events_complete_one_action_only(desk: Desk) -> None:
    """The second of two early events does not complete the action that follows."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    desk.outside.teach("call POST */actions", during(run.done, run.done))
    run.execute()
    assert (run.said, run.at) == (["one", "two"], "two")


def test_a_flood_of_early_events_is_cut_off(desk: Desk) -> None:
    """The record does not fill up; the flow goes on."""
    run = desk.start(talk("one"), talk("two"))
    desk.outside.teach("call POST */actions", during(*[lambda: run.press("1")] * 80, run.done))
    run.execute()
    run.done()
    assert run.at == "two"


def test_a_hang_up_during_the_question_ends_the_flow_at_once(desk: Desk) -> None:
    """The late answer is dropped."""
    run = desk.start(act("answer"), talk("never"))
    desk.outside.teach("call POST */actions", during(run.hang_up))
    run.execute()
    assert run.ended == "reference_ended"
    assert len(desk.asked) == 1


def test_a_stale_event_is_discarded(desk: Desk) -> None:
    """An event about an action that is over changes nothing."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.execute()
    first = run.current["id"]
    run.done(first)
    before = run.record
    run.done(first)
    run.done(new_id())
    assert run.record == before


def test_a_repeated_event_is_applied_once(desk: Desk) -> None:
    """The broker delivers at least once; the message id tells a repeat."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.execute()
    run.done(message_id="m1")
    run.done(message_id="m1")
    run.done(message_id="m1", redelivered=True)
    assert (run.at, run.history) == ("two", ["talk done"])
    run.done(message_id="m2")
    assert run.at == "three"


def test_an_event_for_nobody_is_no_error(desk: Desk) -> None:
    """It is counted and acknowledged."""
    desk.event({"type": "media", "event": "done", "call_id": new_id()})
    desk.event({"type": "call_hangup", "publisher": "call-manager", "data": {"id": new_id()}})
    desk.event(
        {"type": "call_hangup", "publisher": "call-manager", "data": {"id": new_id(), "activeflow_id": new_id()}}
    )
    desk.event({"type": "weather_changed", "publisher": "sky-manager", "data": {}})
    assert desk.outside.published == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type": 5}', b'{"type": "call", "event": "hangup", "data": 5}'])
def test_an_event_that_cannot_be_read_is_no_error(desk: Desk, body: bytes) -> None:
    """It must not come again and again."""
    desk.receive(body)
    assert desk.outside.published == []


def test_digits_come_by_dtmf_events(desk: Desk) -> None:
    """They are collected until there are enough."""
    run = desk.start(act("digits_receive", length=3, duration=5000), talk("got ${voipbin.call.digits}"))
    run.execute()
    run.press("4")
    run.press("1")
    assert (run.at, run.variables["voipbin.call.digits"]) == ("digits_receive", "41")
    run.press("7")
    assert run.at == "got 417"


def test_an_end_key_completes_digits(desk: Desk) -> None:
    """The key is kept."""
    run = desk.start(act("digits_receive", key="#", duration=5000), talk("got ${voipbin.call.digits}"))
    run.execute()
    run.press("9")
    run.press("#")
    assert run.at == "got 9#"


def test_digits_time_out_with_what_was_pressed(desk: Desk) -> None:
    """The deadline is the action's duration and some grace."""
    run = desk.start(act("digits_receive", length=3, duration=5000), talk("got ${voipbin.call.digits}"))
    run.execute()
    run.press("4")
    desk.later(1)
    desk.sweep()
    assert run.at == "digits_receive"
    desk.later(9)
    desk.sweep()
    assert (run.at, run.history) == ("got 4", ["digits_receive timeout"])


def test_a_key_press_ends_a_talk_that_wants_it(desk: Desk) -> None:
    """`digits_handle` `next`: the digit is there for the branch that follows."""
    run = desk.start(
        act("talk", text="menu", digits_handle="next"),
        act("branch", target_ids={"1": "sales"}, default_target_id="other"),
        talk("other", id="other"),
        talk("sales", id="sales"),
    )
    run.execute()
    run.press("1")
    assert run.at == "sales"


def test_a_hang_up_ends_the_flow(desk: Desk) -> None:
    """By the managers' event, whatever the flow waits for."""
    run = desk.start(talk("one"))
    run.execute()
    run.hang_up()
    assert (run.ended, run.history) == ("reference_ended", ["talk interrupted"])
    assert desk.events(run)[-1] == "activeflow_updated"


def test_a_hang_up_in_the_short_format_ends_all_flows_of_the_call(desk: Desk) -> None:
    """`reference_id` finds them."""
    call_id = new_id()
    runs = [desk.start(talk("one"), reference_id=call_id) for _ in range(2)]
    other = desk.start(talk("one"))
    desk.event(
        {"type": "call", "event": "hangup", "reference_id": call_id, "data": {"hangup_cause": "normal_clearing"}}
    )
    assert [run.ended for run in (*runs, other)] == ["reference_ended", "reference_ended", None]


def test_a_repeated_hang_up_changes_nothing(desk: Desk) -> None:
    """One event, one end."""
    run = desk.start(talk("one"))
    run.execute()
    run.hang_up()
    before, events = run.record, desk.events()
    run.hang_up()
    assert (run.record, desk.events()) == (before, events)


@pytest.mark.parametrize("reference_type", ["call", "api", ""])
def test_a_sleep_is_a_durable_timer(desk: Desk, reference_type: str) -> None:
    """For every kind of reference; a worker that was not there when it began may end it."""
    run = desk.start(
        act("sleep", duration=60_000), act("variable_set", key="woke", value="yes"), reference_type=reference_type
    )
    run.execute()
    desk.later(30)
    desk.sweep()
    assert run.state == "waiting"
    desk.later(30)
    desk.colleague().sweep()
    assert (run.ended, run.variables, run.history) == ("finished", {"woke": "yes"}, ["sleep done", "variable_set done"])
    assert desk.asked == []


def test_media_events_do_not_end_a_sleep(desk: Desk) -> None:
    """It waits for the clock."""
    run = desk.start(act("sleep", duration=60_000), talk("woke"))
    run.execute()
    run.done()
    run.done(run.current["id"])
    assert run.at == "sleep"


def test_a_timer_fires_once(desk: Desk) -> None:
    """Of two workers that look at the same time, one resumes the flow."""
    run = desk.start(act("sleep", duration=1000), talk("woke"))
    run.execute()
    desk.later(2)
    desk.sweep()
    desk.colleague().sweep()
    assert run.said == ["woke"]


def test_a_lost_event_does_not_hold_a_flow_for_ever(desk: Desk) -> None:
    """After the longest wait the action counts as timed out."""
    run = desk.start(talk("one"), talk("two"))
    run.execute()
    desk.later(3500)
    desk.sweep()
    assert run.at == "one"
    desk.later(100)
    desk.sweep()
    assert (run.at, run.history) == ("two", ["talk timeout"])


def test_a_media_action_that_call_manager_refuses_is_skipped(desk: Desk) -> None:
    """The history says why."""
    desk.outside.teach("call POST */actions", peer_error("call", 404, "CALL_NOT_FOUND"))
    run = desk.start(talk("one"), act("variable_set", key="a", value="b"))
    run.execute()
    assert run.history == ["talk failed", "variable_set done"]
    assert (run.ended, run.variables) == ("finished", {"a": "b"})


@pytest.mark.parametrize("failure", [PeerTimeout("message", 3.0), peer_error("message", 400, "NO_CREDIT")])
def test_a_fatal_failure_ends_the_flow(desk: Desk, failure: Exception) -> None:
    """Nobody waits for an answer; the record and the event tell."""
    desk.outside.teach("message *", failure)
    run = desk.start(act("message_send", text="x"), talk("never"))
    assert run.execute() == (200, None)
    assert (run.ended, run.state) == ("error", "error")
    told = desk.sent()[-1]["data"]
    assert (told["ended_reason"], told["error"]["type"]) == ("error", "message_send")


@pytest.mark.parametrize("how", ["execute", "continue"])
def test_a_block_is_resumed(desk: Desk, how: str) -> None:
    """By `execute` and by `continue` with the block's id; both answer at once."""
    run = desk.start(act("block"), act("variable_set", key="a", value="b"), reference_type="api")
    run.execute()
    assert run.state == "blocked"
    answer = run.execute() if how == "execute" else run.go_on()
    assert answer == (200, None)
    assert (run.ended, run.variables, run.history) == ("finished", {"a": "b"}, ["block done", "variable_set done"])


def test_a_stale_continue_is_refused_and_the_flow_lives(desk: Desk) -> None:
    """With another id, of a flow that is not blocked, and after the end."""
    run = desk.start(act("block"), act("sleep", duration=1000), reference_type="api")
    assert run.go_on(new_id()).reason == "STALE_ACTION"
    run.execute()
    assert run.go_on(new_id()).reason == "STALE_ACTION"
    assert run.state == "blocked"
    block = run.current["id"]
    assert run.go_on(block).status == 200
    assert run.go_on(block).status == 409
    assert (run.state, run.at) == ("waiting", "sleep")
    run.stop()
    assert run.go_on(block).reason == "ACTIVEFLOW_ENDED"


def test_queue_join_runs_the_wait_flow_in_a_frame_of_its_own(desk: Desk) -> None:
    """The service's id is the frame's; queue-manager is told only when the frame is in place."""
    run, service_id = queued(desk, talk("bye"))
    depths: list[int] = []
    waiting = f"queue POST /v1/queuecalls/{service_id}/status_waiting"
    desk.outside.teach(waiting, lambda _: depths.append(len(run.record["stack_map"])))
    run.execute()
    assert (run.at, run.record["stack_depth"], run.record["current_stack_id"]) == ("please hold", 1, service_id)
    assert depths == [2]
    assert [line.split()[0] for line in desk.asked] == ["queue", "queue", "call"]


def test_a_looping_wait_flow_lasts_until_an_agent_answers(desk: Desk) -> None:
    """Then the flow goes on behind the queue_join."""
    run, service_id = queued(desk, talk("bye"))
    run.execute()
    for _ in range(20):
        run.done()
    assert run.said == ["please hold"] * 21
    desk.event({"type": "queue", "event": "AgentAnswered", "reference_id": run.reference_id})
    assert (run.at, run.record["stack_depth"]) == ("bye", 0)
    assert service_id not in run.record["stack_map"]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "queuecall_done", "publisher": "queue-manager"},
        {"type": "queuecall_abandoned", "publisher": "queue-manager"},
        {"type": "queue", "event": "QueueTimeout"},
        {"type": "queue", "event": "queue_empty"},
    ],
)
def test_the_end_of_a_service_releases_its_frame(desk: Desk, event: dict[str, Any]) -> None:
    """In both formats."""
    run, service_id = queued(desk, talk("bye"))
    run.execute()
    data = {"id": service_id, "reference_activeflow_id": run.id, "reference_id": run.reference_id}
    desk.event({**event, "data": data})
    assert run.at == "bye"
    desk.event({**event, "data": data})
    assert (run.at, run.history[-1]) == ("bye", "talk interrupted")


def test_an_agent_who_answers_before_the_push_is_confirmed(desk: Desk) -> None:
    """queue-manager releases the service while flow-manager still tells it that the call waits."""
    run, service_id = queued(desk, talk("bye"))
    waiting = f"queue POST /v1/queuecalls/{service_id}/status_waiting"
    released: list[Any] = []
    desk.outside.teach(waiting, during(lambda: released.append(run.service_stop(service_id))))
    run.execute()
    assert released == [(200, None)]
    assert (run.at, run.said, run.record["stack_depth"]) == ("bye", ["bye"], 0)


def test_an_agent_event_before_the_push_is_confirmed(desk: Desk) -> None:
    """The same by an event."""
    run, service_id = queued(desk, talk("bye"))
    done = {
        "type": "queuecall_done",
        "publisher": "queue-manager",
        "data": {"id": service_id, "reference_activeflow_id": run.id},
    }
    desk.outside.teach(f"queue POST /v1/queuecalls/{service_id}/status_waiting", during(lambda: desk.event(done)))
    run.execute()
    assert (run.at, run.said) == ("bye", ["bye"])


def test_an_agent_who_forwards_before_the_push_is_confirmed(desk: Desk) -> None:
    """A jump into the pushed frame is not lost."""
    hold, join = new_id(), new_id()
    wait = [talk("please hold", id=hold), act("goto", id=new_id(), target_id=hold), talk("agent", id=join)]
    run, service_id = queued(desk, talk("bye"), wait=wait)
    waiting = f"queue POST /v1/queuecalls/{service_id}/status_waiting"
    desk.outside.teach(waiting, during(lambda: run.forward(join, now=True)))
    run.execute()
    assert run.said == ["agent"]
    run.done()
    assert run.at == "bye"


def test_forward_now_moves_a_waiting_flow_to_the_bridge(desk: Desk) -> None:
    """The agent hunt ends the hold music at once; the call joins the bridge, and leaves it when the agent is gone."""
    hold, join = new_id(), new_id()
    wait = [
        talk("please hold", id=hold),
        act("goto", id=new_id(), target_id=hold),
        act("confbridge_join", id=join, confbridge_id=new_id()),
    ]
    run, _ = queued(desk, talk("bye"), wait=wait)
    run.execute()
    assert run.forward(join, now=True) == (200, None)
    assert (run.at, run.history[-1]) == ("confbridge_join", "talk interrupted")
    left = {"leaved_call_id": run.reference_id, "activeflow_id": new_id()}
    desk.event({"type": "confbridge_leaved", "publisher": "call-manager", "data": left})
    assert (run.at, run.record["stack_depth"]) == ("bye", 0)


def test_a_forward_without_now_waits_for_the_end_of_the_action(desk: Desk) -> None:
    """The jump is made when the media event comes."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.execute()
    run.forward(run.find("three"))
    assert run.at == "one"
    run.done()
    assert run.said == ["one", "three"]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_service_is_stopped_from_wherever_the_cursor_is_inside(desk: Desk, depth: int) -> None:
    """All frames nested in it are released with it."""
    run, service_id = queued(desk, talk("bye"))
    run.execute()
    for number in range(depth):
        run.push(talk(f"nested {number}"), talk("never"))
        run.done()
    assert run.record["stack_depth"] == depth + 1
    assert run.service_stop(service_id) == (200, None)
    run.done()
    assert (run.at, run.record["stack_depth"], len(run.record["stack_map"])) == ("bye", 0, 1)


def test_an_ai_talk_in_a_conversation_is_over_with_its_event(desk: Desk) -> None:
    """A service without media stands on a block until then."""
    aicall = new_id()
    desk.outside.teach("ai POST *", service(aicall, act("block", id=new_id())))
    run = desk.start(
        act("ai_talk", ai_id=new_id()), act("variable_set", key="a", value="b"), reference_type="conversation"
    )
    run.execute()
    assert (run.state, run.record["stack_depth"]) == ("blocked", 1)
    data = {"id": aicall, "activeflow_id": run.id}
    desk.event({"type": "aicall_status_terminated", "publisher": "ai-manager", "data": data})
    assert (run.ended, run.variables) == ("finished", {"a": "b"})


def test_connect_joins_the_bridge_and_goes_on_when_it_is_left(desk: Desk) -> None:
    """The caller is in the bridge until the other leg is gone."""
    bridge = new_id()
    desk.outside.teach("call POST /v1/confbridges", {"id": bridge})
    desk.outside.teach("call POST /v1/calls", {"calls": [{"id": new_id()}], "groupcalls": []})
    run = desk.start(act("connect", destinations=[{"type": "tel", "target": "+1"}]), talk("bye"))
    run.execute()
    assert run.current["option"] == {"confbridge_id": bridge}
    desk.event({"type": "call", "event": "BridgeDestroyed", "call_id": run.reference_id})
    assert run.at == "bye"


def test_call_status_events_only_set_a_variable(desk: Desk) -> None:
    """The wait goes on, also a caller's."""
    pushed, pulled = desk.start(talk("one")), desk.start(talk("one"))
    pushed.execute()
    pulled.next()
    for run in (pushed, pulled):
        data = {"id": run.reference_id, "activeflow_id": run.id}
        desk.event({"type": "call_progressing", "publisher": "call-manager", "data": data})
        assert (run.at, run.state, run.variables["voipbin.call.status"]) == ("one", "waiting", "progressing")
    assert desk.events(pushed) == ["activeflow_created", "activeflow_updated"]


def test_customer_deletion_ends_flows_and_activeflows(desk: Desk) -> None:
    """All of that customer, nothing of others, and no on-complete flow is started."""
    after = desk.flow(talk("after"))
    run = desk.start(talk("one"), on_complete=after)
    run.execute()
    other = Desk(desk.store, desk.engines)
    theirs = other.start(talk("one"))
    desk.event({"type": "customer_deleted", "publisher": "customer-manager", "data": {"id": desk.customer_id}})
    assert (run.ended, theirs.ended) == ("customer_deleted", None)
    assert desk.children(run) == []
    assert desk.get("/v1/flows?", {"customer_id": desk.customer_id, "deleted": False}).data == []
    assert desk.get("/v1/activeflows?", {"customer_id": desk.customer_id, "deleted": False}).data == []
    assert len(other.get("/v1/flows?", {"customer_id": other.customer_id, "deleted": False}).data) == 1


def test_a_stopped_service_that_stood_on_a_block_goes_on_with_continue(desk: Desk) -> None:
    """ai-manager releases its frame, then resumes the flow."""
    task = new_id()
    desk.outside.teach("ai POST *", service(task, act("block", id=new_id())))
    run = desk.start(act("ai_task", ai_id=new_id()), act("variable_set", key="a", value="b"), reference_type="api")
    run.execute()
    block = run.current["id"]
    assert run.service_stop(task) == (200, None)
    assert run.state == "blocked"
    assert run.go_on(block) == (200, None)
    assert (run.ended, run.variables) == ("finished", {"a": "b"})


def test_forward_now_resumes_a_block(desk: Desk) -> None:
    """Nobody pulls the flow: the jump is made here."""
    run = desk.start(act("block"), talk("no"), act("sleep", duration=1000), reference_type="api")
    run.execute()
    assert run.forward(run.find("sleep"), now=True).status == 200
    assert (run.at, run.history) == ("sleep", ["block interrupted"])


def test_forward_now_without_a_call_stays_pending_for_the_caller(desk: Desk) -> None:
    """There is nobody to be told; the next `next` makes the jump."""
    run = desk.start(
        act("sleep", id="a", duration=1),
        act("sleep", id="b", duration=2),
        act("sleep", duration=3),
        reference_type="api",
    )
    run.next()
    third = run.record["stack_map"]["00000000-0000-0000-0000-000000000001"]["actions"][2]["id"]
    assert run.forward(third, now=True).status == 200
    assert desk.asked == []
    assert run.next().data["id"] == third


def test_forward_now_before_the_start_stays_pending(desk: Desk) -> None:
    """The flow begins at the target."""
    run = desk.start(talk("one"), talk("two"))
    assert run.forward(run.find("two"), now=True).status == 200
    assert run.state == "created"
    run.execute()
    assert run.said == ["two"]


def test_the_end_by_a_jump_is_told_before_what_it_starts(desk: Desk) -> None:
    """Events of a flow that ends after the answer leave before those of its on-complete flow."""
    after = desk.flow(act("variable_set", key="a", value="b"))
    run = desk.start(talk("one"), talk("two"), act("stop"), on_complete=after)
    run.execute()
    run.forward(run.find("stop"), now=True)
    [child] = desk.children(run)
    told = [(one["type"], one["data"]) for one in desk.sent() if one["type"].startswith("activeflow")]
    types = [(kind, data["id"] == run.id, data["status"]) for kind, data in told[-3:]]
    assert types == [
        ("activeflow_updated", True, "ended"),
        ("activeflow_created", False, "running"),
        ("activeflow_updated", False, "ended"),
    ]
    assert child.ended == "finished"


def test_a_caller_cannot_pull_what_is_pushed(desk: Desk) -> None:
    """The wait belongs to the event: two drivers never advance one flow."""
    run = desk.start(talk("one"), talk("two"))
    run.execute()
    assert run.next(seen=run.current["id"]).reason == "STALE_ACTION"
    run.done()
    assert run.said == ["one", "two"]


def test_what_comes_too_late_or_for_nobody_is_counted(desk: Desk) -> None:
    """An operator sees it in the metrics."""
    run = desk.start(talk("one"))
    run.execute()
    run.done(new_id())
    desk.event({"type": "media", "event": "done", "call_id": new_id()})
    desk.receive(b"{")
    desk.hand(b"{")
    counted = [
        ("stale_total", {"command": "done"}),
        ("event_unmatched_total", {"type": "media_done"}),
        ("malformed_total", {"queue": "event"}),
        ("malformed_total", {"queue": "request"}),
    ]
    sample = desk.engine.metrics.registry.get_sample_value
    assert [sample(f"flow_manager_{name}", labels) for name, labels in counted] == [1, 1, 1, 1]
