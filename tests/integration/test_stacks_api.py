"""Frames from outside: push, add, jump, release, show."""

from __future__ import annotations

import pytest

from flowmanager.core.ids import MAIN, NIL, START
from tests.desk import Desk, Run, act, during, new_id, service, talk


def in_service(desk: Desk, *behind: object, inside: object = None) -> tuple[Run, str]:
    """A call that stands in a queue's wait flow, driven by its caller."""
    service_id = new_id()
    wait = inside if isinstance(inside, list) else [talk("hold", id=new_id()), talk("hold on", id=new_id())]
    desk.outside.teach("queue POST /v1/services/type/queuecall", service(service_id, *wait))
    desk.outside.teach("queue POST /v1/queuecalls/*")
    rest = [one for one in behind if isinstance(one, dict)]
    run = desk.start(act("queue_join", queue_id=new_id()), *rest)
    assert run.next().status == 200
    return run, service_id


def test_pushed_actions_run_next_and_then_the_flow_goes_on(desk: Desk) -> None:
    """The answer shows the new frame and the pending jump."""
    run = desk.start(talk("one"), talk("two"))
    run.next()
    status, shown = run.push(talk("aside"), talk("more"))
    assert (status, shown["current_action"]["option"]["text"]) == (200, "one")
    frame = shown["stack_map"][shown["forward_stack_id"]]
    assert shown["forward_action_id"] == frame["actions"][0]["id"]
    assert (frame["return_stack_id"], frame["return_action_id"]) == (MAIN, run.find("one"))
    assert run.walk() == ["aside", "more", "two", "finish"]


def test_a_finished_frame_is_removed(desk: Desk) -> None:
    """The stack map holds what is still to be finished."""
    run = desk.start(talk("one"), talk("two"))
    run.next()
    run.push(talk("aside"))
    run.next()
    assert (len(run.record["stack_map"]), run.record["stack_depth"]) == (2, 1)
    run.next()
    assert (list(run.record["stack_map"]), run.record["stack_depth"]) == ([MAIN], 0)


def test_a_push_before_the_start_runs_first(desk: Desk) -> None:
    """Then the flow from its first action on."""
    run = desk.start(talk("one"), talk("two"))
    assert run.push(talk("aside")).status == 200
    assert run.walk() == ["aside", "one", "two", "finish"]


def test_two_pushes_before_the_next_step_both_run(desk: Desk) -> None:
    """The second on top of the first."""
    run = desk.start(talk("one"), talk("two"))
    run.next()
    run.push(talk("first"), talk("first again"))
    run.push(talk("second"))
    assert run.walk() == ["second", "first", "first again", "two", "finish"]


def test_two_pushes_before_the_start_both_run(desk: Desk) -> None:
    """None is lost."""
    run = desk.start(talk("one"))
    run.push(talk("first"))
    run.push(talk("second"))
    assert run.walk() == ["second", "first", "one", "finish"]


def test_a_push_behind_the_last_action_runs(desk: Desk) -> None:
    """The flow finishes after it."""
    run = desk.start(talk("one"))
    run.next()
    run.push(talk("aside"))
    assert run.walk() == ["aside", "finish"]


@pytest.mark.parametrize("action", [talk("one"), act("email_send", subject="x")])
def test_a_push_while_a_peer_is_asked_is_not_lost(desk: Desk, action: dict[str, object]) -> None:
    """It runs behind the action that was under way."""
    run = desk.start(action, talk("two"))
    pushing = during(lambda: run.push(talk("aside")), lambda: run.push(talk("on top")))
    desk.outside.teach("call POST */actions", pushing)
    desk.outside.teach("email *", pushing)
    run.execute()
    for _ in range(4):
        run.done()
    assert [text for text in run.said if text != "one"] == ["on top", "aside", "two"]
    assert run.ended == "finished"


def test_a_push_while_a_service_is_started_runs_before_it(desk: Desk) -> None:
    """Both frames run, the service's own on top of the push or below it, then the flow."""
    service_id = new_id()
    run = desk.start(act("queue_join", queue_id=new_id()), talk("bye"))
    answer = service(service_id, talk("hold", id=new_id()))
    desk.outside.teach("queue POST /v1/services/*", during(lambda: run.push(talk("aside")), answer=answer))
    desk.outside.teach("queue POST /v1/queuecalls/*")
    found = run.walk()
    assert sorted(found[:2]) == ["aside", "hold"]
    assert found[2:] == ["bye", "finish"]


def test_an_empty_push_changes_nothing(desk: Desk) -> None:
    """200 with the record."""
    run = desk.start(talk("one"))
    before = run.record
    assert run.push().status == 200
    assert {**run.record, "tm_update": None} == {**before, "tm_update": None}


def test_pushed_names_become_ids_and_targets_follow(desk: Desk) -> None:
    """As when a flow is stored."""
    run = desk.start(talk("one"))
    run.push(act("goto", target_id="there"), talk("no"), talk("yes", id="there"))
    assert run.walk() == ["yes", "one", "finish"]


def test_a_push_tells_nobody(desk: Desk) -> None:
    """Neither does an addition: events tell what happened, not what will."""
    run, _ = in_service(desk)
    events = desk.events()
    run.push(talk("aside"))
    run.add(talk("more"))
    run.forward(run.find("hold on"))
    assert desk.events() == events


@pytest.mark.parametrize("path", ["push_actions", "add_actions"])
def test_unknown_types_are_refused(desk: Desk, path: str) -> None:
    """400 naming the place; nothing is stored."""
    run, _ = in_service(desk)
    before = run.record
    body = {"actions": [talk("fine"), act("dance")]}
    status, error = desk.post(f"{run.uri}/{path}", body)
    assert (status, error["reason"]) == (400, "INVALID_ACTION_TYPE")
    assert error["details"][0]["path"] == "actions[1].type"
    assert run.record == before


def test_added_actions_follow_the_current_one(desk: Desk) -> None:
    """What followed it follows them."""
    run, _ = in_service(desk, talk("bye"))
    status, shown = run.add(talk("added"), talk("added too"))
    assert (status, len(shown["stack_map"])) == (200, 2)
    assert run.walk() == ["added", "added too", "hold on", "bye", "finish"]


def test_actions_are_added_behind_the_last_one(desk: Desk) -> None:
    """The frame grows at its end."""
    run, _ = in_service(desk, talk("bye"))
    run.next()
    run.add(talk("added"))
    assert run.walk() == ["added", "bye", "finish"]


def test_the_main_stack_cannot_be_extended(desk: Desk) -> None:
    """409; the flow is as the customer wrote it."""
    run = desk.start(talk("one"))
    run.next()
    before = run.record
    status, error = run.add(talk("added"))
    assert (status, error["reason"]) == (409, "MAIN_STACK")
    assert run.record == before


@pytest.mark.parametrize("target", [NIL, new_id(), "00000000-0000-0000-0000-000000000002"])
def test_a_jump_to_an_unknown_action_is_refused(desk: Desk, target: str) -> None:
    """400; the pending jump stays as it was."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.next()
    run.forward(run.find("three"))
    status, error = run.forward(target)
    assert (status, error["reason"]) == (400, "TARGET_NOT_FOUND")
    assert run.walk() == ["three", "finish"]


def test_a_later_jump_replaces_an_earlier_one(desk: Desk) -> None:
    """The last word counts."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.next()
    run.forward(run.find("two"))
    run.forward(run.find("three"))
    assert run.walk() == ["three", "finish"]


def test_a_jump_out_of_a_service_drops_its_frame(desk: Desk) -> None:
    """The target is searched from the current frame outward."""
    run, service_id = in_service(desk, talk("bye"))
    assert run.forward(run.find("bye")).status == 200
    assert run.walk() == ["bye", "finish"]
    assert service_id not in run.record["stack_map"]


def test_a_jump_does_not_lose_what_was_pushed(desk: Desk) -> None:
    """The pushed frame runs first, then the target."""
    run = desk.start(talk("one"), talk("two"), talk("three"))
    run.next()
    run.push(talk("aside"))
    assert run.forward(run.find("three")).status == 200
    assert run.walk() == ["aside", "three", "finish"]


@pytest.mark.parametrize("how", ["push", "add", "forward"])
def test_an_ended_activeflow_cannot_be_changed(desk: Desk, how: str) -> None:
    """409; it stays as it ended."""
    run = desk.start(talk("one"))
    run.stop()
    before = run.record
    acts = {
        "push": lambda: run.push(talk("x")),
        "add": lambda: run.add(talk("x")),
        "forward": lambda: run.forward(run.find("one")),
    }
    status, error = acts[how]()
    assert (status, error["reason"]) == (409, "ACTIVEFLOW_ENDED")
    assert run.record == before


@pytest.mark.parametrize("path", ["push_actions", "add_actions", "forward_action_id", "service_stop", "stacks"])
def test_an_unknown_activeflow_is_not_found(desk: Desk, path: str) -> None:
    """404 with a type."""
    method = {"forward_action_id": "PUT", "stacks": "GET"}.get(path, "POST")
    body = {"actions": [talk("x")], "service_id": new_id(), "forward_action_id": new_id()}
    status, error = desk.request(method, f"/v1/activeflows/{new_id()}/{path}", body)
    assert (status, error["reason"]) == (404, "ACTIVEFLOW_NOT_FOUND")


def test_a_stopped_service_is_left_behind(desk: Desk) -> None:
    """The flow goes on behind the action that started it; the current action stays until then."""
    run, service_id = in_service(desk, talk("bye"))
    assert run.service_stop(service_id) == (200, None)
    assert (run.at, list(run.record["stack_map"])) == ("hold", [MAIN])
    assert run.walk() == ["bye", "finish"]


def test_a_service_is_stopped_once(desk: Desk) -> None:
    """Again: 200 without effect, also when the flow is elsewhere or over."""
    run, service_id = in_service(desk, talk("bye"), talk("really"))
    for _ in range(2):
        assert run.service_stop(service_id) == (200, None)
    run.next()
    assert run.service_stop(service_id) == (200, None)
    assert run.at == "bye"
    run.stop()
    assert run.service_stop(service_id) == (200, None)
    assert run.service_stop(new_id()) == (200, None)


def test_a_service_behind_which_nothing_follows_finishes_the_flow(desk: Desk) -> None:
    """Normally, not by an error."""
    run, service_id = in_service(desk)
    assert run.service_stop(service_id) == (200, None)
    assert run.walk() == ["finish"]
    assert run.ended == "finished"


def test_a_service_is_stopped_from_nested_frames(desk: Desk) -> None:
    """Entered and pending ones alike are released with it."""
    run, service_id = in_service(desk, talk("bye"))
    run.push(talk("nested"), talk("never"))
    run.next()
    run.push(talk("pending"))
    assert run.record["stack_depth"] == 2
    assert run.service_stop(service_id) == (200, None)
    assert run.walk() == ["bye", "finish"]


def test_the_inner_of_two_services_is_stopped_alone(desk: Desk) -> None:
    """The outer one goes on."""
    run, _ = in_service(desk, talk("bye"))
    inner = new_id()
    desk.outside.teach("ai POST *", service(inner, talk("ai", id=new_id())))
    run.push(act("ai_talk", ai_id=new_id()))
    assert run.next().data["option"] == {"text": "ai"}
    run.service_stop(inner)
    assert run.walk() == ["hold on", "bye", "finish"]


def test_the_main_stack_cannot_be_released(desk: Desk) -> None:
    """409."""
    run = desk.start(talk("one"))
    assert run.service_stop(MAIN).reason == "MAIN_STACK"


def test_a_service_stop_keeps_what_was_pushed_outside_of_it(desk: Desk) -> None:
    """A frame that was pending when the service is released is inside it, and goes with it."""
    run, service_id = in_service(desk, talk("bye"))
    run.service_stop(service_id)
    run.push(talk("aside"))
    assert run.walk() == ["aside", "bye", "finish"]


def test_stacks_show_the_frames_from_the_main_one_on(desk: Desk) -> None:
    """Frame, parent, current action, depth and return point."""
    run, service_id = in_service(desk, talk("bye"))
    main, inner = run.stacks()
    join = main["actions"][0]["id"]
    assert (main["frame_id"], main["parent_frame_id"], main["stack_depth"], main["main"]) == (MAIN, None, 0, True)
    assert (main["current_action"]["id"], main["current_index"], main["return_action_id"]) == (join, 0, NIL)
    assert (inner["frame_id"], inner["parent_frame_id"], inner["stack_depth"]) == (service_id, MAIN, 1)
    assert (inner["current_action"]["option"]["text"], inner["current"]) == ("hold", True)
    assert (inner["return_stack_id"], inner["return_action_id"]) == (MAIN, join)


def test_stacks_show_a_pending_frame(desk: Desk) -> None:
    """It has no current action yet."""
    run = desk.start(talk("one"))
    assert [frame["current_index"] for frame in run.stacks()] == [-1]
    run.push(talk("aside"))
    main, pending = run.stacks()
    assert (pending["current_index"], pending["current_action"], pending["current"]) == (-1, None, False)
    assert (pending["forward_action_id"], main["current"]) == (pending["actions"][0]["id"], True)


def test_the_stack_map_shows_where_each_frame_stands(desk: Desk) -> None:
    """`current_index` in the frames on the way to the cursor."""
    run, service_id = in_service(desk, talk("bye"))
    run.next()
    indexes = {key: frame["current_index"] for key, frame in run.record["stack_map"].items()}
    assert indexes == {MAIN: 0, service_id: 1}


def test_a_jump_to_the_start_begins_the_main_stack_again(desk: Desk) -> None:
    """The start marker is its first action, from there only."""
    run = desk.start(talk("one"), talk("two"))
    run.next()
    run.next()
    assert run.forward(START).status == 200
    assert run.next().data["option"]["text"] == "one"


def test_next_id_leads_on(desk: Desk) -> None:
    """By name or id; it wins over the order of the list."""
    run = desk.start(talk("one", next_id="three"), talk("two"), talk("three", id="three"))
    assert run.walk() == ["one", "three", "finish"]


def test_fetch_flow_runs_another_flow_and_comes_back(desk: Desk) -> None:
    """As often as it is met; the flow must be the customer's own."""
    other = desk.flow(talk("inside"))
    run = desk.start(
        act("fetch_flow", id="again", flow_id=other), act("goto", target_id="again", loop_count=1), talk("end")
    )
    assert run.walk() == ["inside", "inside", "end", "finish"]
    foreign = Desk(desk.store, desk.engines).flow(talk("secret"))
    assert desk.start(act("fetch_flow", flow_id=foreign)).next().reason == "ACTION_FAILED"
