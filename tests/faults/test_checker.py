"""The checker finds every violation, one at a time, and finds nothing wrong with a run that is right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.faults.checker import judge, judge_folder
from tests.faults.history import History, write_snapshot
from tests.faults.small_story import (
    CHILD,
    CUSTOMER,
    FINISH,
    FLOW,
    LAST,
    ONE,
    OTHER,
    PARENT,
    THREE,
    TIME,
    TWO,
    SmallRun,
    action,
    flow,
    flow_event,
    mark,
    step,
)

Harm = Callable[[SmallRun], None]


def test_a_run_without_violations_is_valid() -> None:
    """The verdict counts what was attempted and acknowledged."""
    assert str(judge(SmallRun().story())) == (
        "attempted 10 acknowledged 10 lost 0 doubled 0 stale-accepted 0 stuck 0 unexpected 0 → valid"
    )


def test_a_request_that_is_asked_anew_under_its_id_is_a_repeat() -> None:
    """Seed 402 asked at an action that came again under the id of the first time, and expected another answer."""
    run = SmallRun()
    run.next("next-2", ONE, THREE)
    run.lines[-2] |= {"expected": [FINISH]}
    assert judge(run.story()).valid


def never_answered(run: SmallRun) -> None:
    run.drop("answer", id="append-1")


def asked_to_come_again_only(run: SmallRun) -> None:
    run.drop("answer", id="stale")
    run.answer("stale", 503, "IN_PROGRESS")


def answered_in_two_ways(run: SmallRun) -> None:
    run.answer("stale", 409, "ACTIVEFLOW_ENDED")


def another_body(run: SmallRun) -> None:
    run.answer("create", 200, {"id": PARENT})


def a_fault_of_the_program(run: SmallRun) -> None:
    run.drop("answer", id="append-1")
    run.answer("append-1", 500, "INTERNAL")
    run.rows[PARENT]["variables"] = {"log": "|x.2"}


def two_accepted_at_one_action(run: SmallRun) -> None:
    run.next("rival", ONE, THREE, operation="rival-next")


def led_elsewhere(run: SmallRun) -> None:
    run.lines = [line for line in run.lines if line.get("id") != "next-2"]
    run.asked("next-2", "next", data={"current_action_id": ONE}, expected=[THREE], answer=(200, {"id": FINISH}))


def refused_at_the_right_place(run: SmallRun) -> None:
    run.drop("answer", id="next-2")
    run.answer("next-2", 409, "STALE_ACTION")


def a_step_that_is_no_way(run: SmallRun) -> None:
    run.steps[PARENT] = [step(0, action(ONE)), step(1, action(THREE))]
    run.rows[PARENT]["executed_count"] = 2
    run.drop("event", message_id="e2")
    run.drop("seen")
    run.event("e2", "activeflow_updated", PARENT, executed=[ONE], count=1)
    events = [line for line in run.lines if line["kind"] == "event"]
    events.insert(1, events.pop())
    events[2]["body"] = events[2]["body"].replace('"executed_count":3', '"executed_count":2')
    run.lines = [line for line in run.lines if line["kind"] != "event"] + events


def a_step_twice(run: SmallRun) -> None:
    run.steps[PARENT].append(step(3, action(THREE)))
    run.rows[PARENT]["executed_count"] = 4
    run.lines[lines_of(run, "e3")]["body"] = event_body([THREE, THREE], 4)


def pushed_actions_in_part(run: SmallRun) -> None:
    run.asked("push", "push", data={"actions": [action(LAST)]})


def unknown_actions(run: SmallRun) -> None:
    run.steps[CHILD].append(step(6, action(TWO)) | {"seq": 1})
    run.rows[CHILD]["executed_count"] = 2
    run.lines[lines_of(run, "e5")]["body"] = event_body([LAST, TWO], 2, about=CHILD)
    run.line("seen", manager="email", uri="/v1/emails", request_id="k2", data={"subject": mark(CHILD, TWO)})


def a_stale_next_accepted(run: SmallRun) -> None:
    run.next("stale-2", ONE, THREE, operation="stale-next")


def a_stale_continue_accepted(run: SmallRun) -> None:
    run.asked("stale-2", "stale-continue", data={"current_action_id": ONE})


def ended_for_no_reason(run: SmallRun) -> None:
    run.rows[PARENT]["ended_reason"] = "reference_ended"


def finished_too_early(run: SmallRun) -> None:
    run.steps[PARENT].pop()
    run.rows[PARENT]["executed_count"] = 2
    run.lines[lines_of(run, "e3")]["body"] = event_body([], 2)
    run.lines = [line for line in run.lines if line.get("id") != "next-3"]


def old_news_applied(run: SmallRun) -> None:
    run.line("news", activeflow_id=CHILD, token="new", applied=True)
    run.rows[CHILD]["variables"] = {"voipbin.transcribe.text": "old"}


def a_gap(run: SmallRun) -> None:
    run.steps[PARENT][2]["seq"] = 3


def a_wrong_count(run: SmallRun) -> None:
    run.rows[PARENT]["executed_count"] = 4


def times_that_go_back(run: SmallRun) -> None:
    run.steps[PARENT][2]["tm_execute"] = TIME.format(0.5)


def two_ends(run: SmallRun) -> None:
    run.event("e9", "activeflow_updated", PARENT, executed=[], count=3, status="ended")


def two_children(run: SmallRun) -> None:
    run.rows[OTHER] = {**run.rows[CHILD], "id": OTHER}
    run.steps[OTHER] = run.steps[CHILD]
    run.event("e9", "activeflow_created", OTHER)
    run.event("e10", "activeflow_updated", OTHER, executed=[LAST], count=1, status="ended")


def no_child(run: SmallRun) -> None:
    del run.rows[CHILD]


def an_endless_chain(run: SmallRun) -> None:
    run.rows[CHILD]["complete_count"] = 5


def a_lost_write(run: SmallRun) -> None:
    run.rows[PARENT]["variables"] = {"log": "|x.2"}


def a_doubled_write(run: SmallRun) -> None:
    run.rows[PARENT]["variables"] = {"log": "|x.1|x.2|x.1"}


def a_write_of_nobody(run: SmallRun) -> None:
    run.rows[PARENT]["variables"] = {"log": "|x.1|x.2|y.1"}


def news_never_applied(run: SmallRun) -> None:
    run.line("news", activeflow_id=OTHER, token="t", applied=False)


def a_lost_key(run: SmallRun) -> None:
    run.line("keys", activeflow_id=PARENT, sent="112")
    run.rows[PARENT]["variables"]["voipbin.call.digits"] = "12"


def a_doubled_key(run: SmallRun) -> None:
    run.line("keys", activeflow_id=PARENT, sent="12")
    run.rows[PARENT]["variables"]["voipbin.call.digits"] = "121"


def a_creation_that_is_gone(run: SmallRun) -> None:
    run.asked("create-2", "create", activeflow_id=OTHER)


def a_lost_event(run: SmallRun) -> None:
    run.drop("event", message_id="e2")


def a_doubled_event(run: SmallRun) -> None:
    run.event("e9", "activeflow_created", CHILD)


def events_in_another_order(run: SmallRun) -> None:
    second, third = lines_of(run, "e2"), lines_of(run, "e3")
    run.lines[second]["body"], run.lines[third]["body"] = (
        event_body([THREE], 3),
        event_body([ONE, TWO], 2),
    )


def one_id_for_two_events(run: SmallRun) -> None:
    run.event("e5", "activeflow_created", PARENT)


def an_effect_under_two_keys(run: SmallRun) -> None:
    run.line("seen", manager="email", uri="/v1/emails", request_id="k2", data={"subject": mark(PARENT, TWO)})


def a_media_action_under_two_keys(run: SmallRun) -> None:
    data = {"activeflow_id": PARENT, "action": {"id": THREE}}
    for key in ("k2", "k3"):
        run.line("seen", manager="call", uri=f"/v1/calls/{OTHER}/actions", request_id=key, data=data)


def an_effect_that_nobody_was_asked_for(run: SmallRun) -> None:
    run.drop("seen")


def another_customers_record(run: SmallRun) -> None:
    run.asked("list-2", "read-list", answer=(200, [{"id": CHILD, "customer_id": OTHER}]))


def a_deleted_record_that_is_back(run: SmallRun) -> None:
    run.asked("delete", "delete", uri=f"/v1/activeflows/{PARENT}")
    run.rows[PARENT]["tm_delete"] = TIME.format(40)
    run.event("e9", "activeflow_deleted", PARENT, count=3, status="ended")
    run.asked("list-2", "read-list", answer=(200, [{"id": PARENT, "customer_id": CUSTOMER}]))


def a_customer_who_is_still_there(run: SmallRun) -> None:
    run.line("customer_leaves", customer_id=CUSTOMER)


def a_record_of_a_customer_who_is_gone(run: SmallRun) -> None:
    for kind in ("customer_leaves", "customer_gone"):
        run.line(kind, customer_id=OTHER)
    run.flows.append(flow(LAST, customer_id=OTHER))
    run.asked("flow-2", "create-flow", answer=(200, {"id": LAST}))
    run.line("event", message_id="f2", body=flow_event("created", LAST))


def an_answer_after_the_customer_has_gone(run: SmallRun) -> None:
    for kind in ("customer_leaves", "customer_gone"):
        run.line(kind, customer_id=OTHER)
    run.asked("list-2", "read-list", customer_id=OTHER, answer=(200, [{"id": ONE, "customer_id": OTHER}]))


def a_flow_that_is_gone(run: SmallRun) -> None:
    run.asked("flow-2", "create-flow", answer=(200, {"id": LAST}))


def a_flow_that_nobody_knows_of(run: SmallRun) -> None:
    run.flows.append(flow(LAST))
    run.line("event", message_id="f2", body=flow_event("created", LAST))


def a_lost_event_of_a_flow(run: SmallRun) -> None:
    run.asked("update", "update-flow", uri=f"/v1/flows/{FLOW}")


def a_doubled_event_of_a_flow(run: SmallRun) -> None:
    run.line("event", message_id="f2", body=flow_event("created", FLOW))


def a_script_without_end(run: SmallRun) -> None:
    run.drop("script_done")


def executing_without_end(run: SmallRun) -> None:
    run.rows[OTHER] = run.rows[CHILD] | {"id": OTHER, "state": "executing", "after_reference": False}
    run.rows[OTHER] |= {"executed_count": 0, "ended_reason": None}
    run.event("e9", "activeflow_created", OTHER)


def overdue(run: SmallRun) -> None:
    executing_without_end(run)
    run.rows[OTHER] |= {"state": "waiting", "wait_driver": "timer", "wait_until": TIME.format(30)}


def standing_still(run: SmallRun) -> None:
    run.line("standstill", activeflow_id=CHILD, state="executing", until="", owner="")


def a_full_outbox(run: SmallRun) -> None:
    run.rest["outbox"] = 1


def an_unacknowledged_message(run: SmallRun) -> None:
    run.rest["queues"]["q"] = 1


def too_much_memory(run: SmallRun) -> None:
    run.rest["gauges"]["m"] = 3


def a_complaint(run: SmallRun) -> None:
    run.line("complaint", worker="worker 1", event="request_failed", text="Traceback")


def event_body(executed: list[str], count: int, *, about: str = PARENT) -> str:
    """An event of an end."""
    data = {
        "id": about,
        "status": "ended" if count == 3 or about == CHILD or not executed or len(executed) == count - 2 else "running",
        "executed_actions": [{"id": one} for one in executed],
        "executed_count": count,
    }
    return orjson.dumps({"type": "activeflow_updated", "data": data}).decode()


def lines_of(run: SmallRun, message_id: str) -> int:
    """Where an event stands in the history."""
    return next(number for number, line in enumerate(run.lines) if line.get("message_id") == message_id)


def shown_as_it_was(run: SmallRun) -> None:
    run.asked("read", "read", answer=(200, run.shown(tm_update=TIME.format(2) + "Z")))


def shown_as_it_was_before_it_was_shown(run: SmallRun) -> None:
    run.asked("first", "read", answer=(200, run.shown(tm_update=TIME.format(59) + "Z")))
    run.asked("second", "read", answer=(200, run.shown()))


HARMS: list[tuple[Harm, str]] = [
    (never_answered, "I1 stuck"),
    (asked_to_come_again_only, "I1 stuck"),
    (answered_in_two_ways, "I1 doubled"),
    (another_body, "I1 doubled"),
    (a_fault_of_the_program, "I1 unexpected"),
    (two_accepted_at_one_action, "I2 doubled"),
    (led_elsewhere, "I2 unexpected"),
    (refused_at_the_right_place, "I2 lost"),
    (a_step_that_is_no_way, "I2 unexpected"),
    (a_step_twice, "I2 doubled"),
    (pushed_actions_in_part, "I2 lost"),
    (unknown_actions, "I2 unexpected"),
    (a_stale_next_accepted, "I3 stale-accepted"),
    (a_stale_continue_accepted, "I3 stale-accepted"),
    (ended_for_no_reason, "I3 stale-accepted"),
    (finished_too_early, "I3 stale-accepted"),
    (old_news_applied, "I3 stale-accepted"),
    (a_gap, "I4 lost"),
    (a_wrong_count, "I4 lost"),
    (times_that_go_back, "I4 unexpected"),
    (two_ends, "I5 doubled"),
    (two_children, "I5 doubled"),
    (no_child, "I5 lost"),
    (an_endless_chain, "I5 unexpected"),
    (shown_as_it_was, "I6 unexpected"),
    (shown_as_it_was_before_it_was_shown, "I6 unexpected"),
    (a_lost_write, "I6 lost"),
    (a_doubled_write, "I6 doubled"),
    (a_write_of_nobody, "I6 unexpected"),
    (news_never_applied, "I6 lost"),
    (a_lost_key, "I6 lost"),
    (a_doubled_key, "I6 doubled"),
    (a_creation_that_is_gone, "I7 lost"),
    (a_lost_event, "I7 lost"),
    (a_doubled_event, "I7 doubled"),
    (events_in_another_order, "I7 unexpected"),
    (one_id_for_two_events, "I7 unexpected"),
    (an_effect_under_two_keys, "I8 doubled"),
    (a_media_action_under_two_keys, "I8 doubled"),
    (an_effect_that_nobody_was_asked_for, "I8 lost"),
    (another_customers_record, "I9 unexpected"),
    (a_deleted_record_that_is_back, "I9 unexpected"),
    (a_customer_who_is_still_there, "I9 lost"),
    (a_record_of_a_customer_who_is_gone, "I9 unexpected"),
    (an_answer_after_the_customer_has_gone, "I9 unexpected"),
    (a_flow_that_is_gone, "I7 lost"),
    (a_flow_that_nobody_knows_of, "I7 doubled"),
    (a_lost_event_of_a_flow, "I7 lost"),
    (a_doubled_event_of_a_flow, "I7 doubled"),
    (a_script_without_end, "I10 stuck"),
    (executing_without_end, "I10 stuck"),
    (overdue, "I10 stuck"),
    (standing_still, "I10 stuck"),
    (a_full_outbox, "I11 stuck"),
    (an_unacknowledged_message, "I11 stuck"),
    (too_much_memory, "I11 unexpected"),
    (a_complaint, "I11 unexpected"),
]


@pytest.mark.parametrize(("harm", "found"), HARMS, ids=lambda value: getattr(value, "__name__", value))
def test_each_violation_is_found(harm: Harm, found: str) -> None:
    """That one, and no other."""
    run = SmallRun()
    harm(run)
    verdict = judge(run.story())
    assert {f"{one.invariant} {one.sort}" for one in verdict.violations} == {found}, verdict.violations
    assert not verdict.valid
    assert str(verdict).endswith("→ INVALID")


def test_a_run_that_was_kept_is_judged_again(tmp_path: Path) -> None:
    """The history and the snapshot are all that the checker needs; a line that was not finished is left out."""
    run = SmallRun()
    history = History(tmp_path)
    for line in run.lines:
        history.add(**line)
    history.close()
    with (tmp_path / "history.jsonl").open("ab") as file:
        file.write(b'{"kind": "ask", "id"')
    write_snapshot(tmp_path, run.snapshot())
    verdict = judge_folder(tmp_path)
    assert verdict.valid, verdict.violations
    assert verdict.attempted == 10
