"""Activeflows: create, read, list, stop, delete."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.core.ids import MAIN, NIL, START
from tests.desk import Desk, Json, Run, act, new_id, talk

TYPES = ("", "call", "conversation", "message", "api", "campaign", "transcribe", "recording", "ai", "webchat")


def test_a_new_activeflow_stands_before_its_first_action(desk: Desk) -> None:
    """The actions are the flow's, copied; nothing has run."""
    after = new_id()
    flow_id, call_id = desk.flow(talk("one"), on_complete_flow_id=after), new_id()
    status, made = desk.create(flow_id, reference_id=call_id, webhook_uri="https://x.example", webhook_method="POST")
    assert status == 200
    expected = {
        "customer_id": desk.customer_id,
        "flow_id": flow_id,
        "status": "running",
        "state": "created",
        "reference_type": "call",
        "reference_id": call_id,
        "reference_activeflow_id": NIL,
        "on_complete_flow_id": after,
        "webhook_uri": "https://x.example",
        "webhook_method": "POST",
        "current_stack_id": MAIN,
        "current_action": {"id": START, "next_id": NIL, "tm_execute": None},
        "forward_stack_id": NIL,
        "forward_action_id": NIL,
        "executed_count": 0,
        "stack_depth": 0,
        "ended_reason": None,
        "error": None,
        "tm_update": None,
        "tm_end": None,
        "tm_delete": None,
    }
    assert {key: made[key] for key in expected} == expected
    assert list(made["stack_map"]) == [MAIN]
    assert not {"executed_actions", "execute_count", "variables"} & made.keys()
    assert desk.get(f"/v1/activeflows/{made['id']}").data == {
        **made,
        "variables": desk.run(made["id"]).record["variables"],
    }


def test_a_creation_is_told(desk: Desk) -> None:
    """The event has no frames."""
    run = desk.start(talk("one"))
    told = desk.sent()[-1]
    assert (told["type"], told["publisher"], told["data_type"]) == (
        "activeflow_created",
        "flow-manager",
        "application/json",
    )
    assert told["data"]["id"] == run.id
    assert "stack_map" not in told["data"]


@pytest.mark.parametrize("reference_type", TYPES)
def test_every_known_reference_type_is_accepted(desk: Desk, reference_type: str) -> None:
    """The empty one is left out of the record."""
    _, made = desk.create(desk.flow(talk("x")), reference_type=reference_type)
    assert made.get("reference_type", "") == reference_type


@pytest.mark.parametrize(
    "fields",
    [
        {"reference_type": "fax"},
        {"reference_type": "Call"},
        {"reference_type": 5},
        {"reference_id": "x"},
        {"id": 5},
        {"variables": []},
        {"variables": {"a": 5}},
        {"webhook_uri": "x" * 1025},
        {"webhook_method": "PATCH"},
    ],
)
def test_a_creation_that_cannot_be_read_is_refused(desk: Desk, fields: Json) -> None:
    """400 naming the path; nothing is stored."""
    status, error = desk.create(desk.flow(talk("x")), **fields)
    assert (status, error["details"][0]["path"].partition(".")[0]) == (400, next(iter(fields)))
    assert desk.get("/v1/activeflows?").data == []


def test_an_unknown_flow_is_not_found(desk: Desk) -> None:
    """404 with a type."""
    status, error = desk.create(new_id())
    assert (status, error["reason"]) == (404, "FLOW_NOT_FOUND")


def test_a_flow_of_another_customer_is_refused(desk: Desk) -> None:
    """400."""
    foreign = Desk(desk.store, desk.engines).flow(talk("secret"))
    status, error = desk.create(foreign)
    assert (status, error["details"][0]["path"]) == (400, "customer_id")


def test_variables_of_another_customer_are_not_inherited(desk: Desk) -> None:
    """400."""
    foreign = Desk(desk.store, desk.engines).start(talk("x"), variables={"secret": "x"})
    assert desk.create(desk.flow(talk("x")), reference_activeflow_id=foreign.id).status == 400


def test_an_id_of_the_callers_choice_is_used(desk: Desk) -> None:
    """The zero id means none."""
    wanted = new_id()
    assert desk.create(desk.flow(talk("x")), id=wanted).data["id"] == wanted
    assert desk.create(desk.flow(talk("x")), id=NIL).data["id"] not in (NIL, wanted)


def test_the_same_creation_again_shows_the_record_that_is_there(desk: Desk) -> None:
    """As far as it has come by now."""
    flow_id, wanted, call_id = desk.flow(talk("x")), new_id(), new_id()
    desk.create(flow_id, id=wanted, reference_id=call_id)
    desk.run(wanted).next()
    status, shown = desk.create(flow_id, id=wanted, reference_id=call_id, variables={"ignored": "x"})
    assert (status, shown["state"]) == (200, "waiting")
    assert desk.run(wanted).variables == {}
    assert desk.events(desk.run(wanted)) == ["activeflow_created", "activeflow_updated"]


@pytest.mark.parametrize("field", ["customer_id", "flow_id", "reference_type", "reference_id"])
def test_another_creation_with_an_id_that_exists_is_refused(desk: Desk, field: str) -> None:
    """409; the record that is there is not touched."""
    wanted = {"id": new_id(), "reference_id": new_id()}
    flow_id = desk.flow(talk("x"))
    desk.create(flow_id, **wanted)
    before = desk.run(wanted["id"]).record
    other: Any = {"flow_id": desk.flow(talk("y")), "reference_type": "api"}.get(field, new_id())
    chosen = {"flow_id": flow_id, **wanted, field: other}
    status, error = desk.create(chosen.pop("flow_id"), **chosen)
    assert (status, error["reason"], error["details"][0]["differing"]) == (409, "ALREADY_EXISTS", [field])
    assert desk.run(wanted["id"]).record == before


def test_variables_are_inherited(desk: Desk) -> None:
    """Given ones win over inherited ones; the activeflow's own win over all; the chain is counted."""
    parent = desk.start(talk("x"), variables={"a": "1", "b": "2"})
    parent.set_variables({"voipbin.call.id": "c"})
    child = desk.start(talk("x"), reference_activeflow_id=parent.id, variables={"b": "3", "c": "4"})
    assert child.variables == {"a": "1", "b": "3", "c": "4", "voipbin.call.id": "c"}
    shown = child.record["variables"]
    assert shown["voipbin.activeflow.id"] == child.id
    assert shown["voipbin.activeflow.reference_activeflow_id"] == parent.id
    assert shown["voipbin.activeflow.complete_count"] == "1"


def test_an_unknown_parent_leaves_nothing_to_inherit(desk: Desk) -> None:
    """The activeflow is made all the same."""
    child = desk.start(talk("x"), reference_activeflow_id=new_id())
    assert child.record["variables"]["voipbin.activeflow.complete_count"] == "0"


def test_reserved_initial_variables_are_dropped(desk: Desk) -> None:
    """One by one; names are trimmed, values are stored as given."""
    given = {" a ": " ${b} ", "": "x", "  ": "x", "voipbin.x": "x", " VoIPBin.y": "x", "voipbins": "fine"}
    assert desk.start(talk("x"), variables=given).variables == {"a": " ${b} ", "voipbins": "fine"}


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"a": "x" * 32_769, "b": "x"}, "rejected_value_size"),
        ({f"k{number}": "x" for number in range(101)}, "rejected_count"),
        ({f"k{number}": "x" * 30_000 for number in range(3)}, "rejected_total"),
    ],
)
def test_too_many_initial_variables_are_left_out(desk: Desk, variables: Json, reason: str) -> None:
    """All of them; the creation succeeds and says so."""
    status, made = desk.create(desk.flow(talk("x")), variables=variables)
    assert (status, made["variables_rejected"]) == (200, reason)
    run = desk.run(made["id"])
    assert (run.variables, "variables_rejected" in run.record) == ({}, False)


def test_too_many_variables_together_leave_the_inherited_ones(desk: Desk) -> None:
    """The sum of inherited and given ones has a limit too."""
    parent = desk.start(talk("x"))
    for number in range(8):
        parent.set_variables({f"k{number}": "x" * 30_000})
    _, made = desk.create(desk.flow(talk("x")), reference_activeflow_id=parent.id, variables={"n": "x" * 30_000})
    assert made["variables_rejected"] == "rejected_merged"
    assert len(desk.run(made["id"]).variables) == 8


def test_everything_is_shown_of_one_activeflow(desk: Desk) -> None:
    """State, depth, counters, history and variables, while it runs and after its end."""
    run = desk.start(act("variable_set", key="a", value="b"), talk("one"), talk("two"))
    run.next()
    run.push(talk("aside"))
    run.next()
    shown = run.record
    assert (shown["state"], shown["status"], shown["stack_depth"]) == ("waiting", "running", 1)
    assert (shown["execute_count"], shown["executed_count"], shown["ended_reason"], shown["error"]) == (
        2,
        2,
        None,
        None,
    )
    assert [(step["type"], step["result"], step["cause"]) for step in shown["executed_actions"]] == [
        ("variable_set", "done", "next"),
        ("talk", "done", "next"),
    ]
    run.stop()
    shown = run.record
    assert (shown["state"], shown["status"], shown["ended_reason"]) == ("ended", "ended", "stop_request")
    assert (shown["variables"]["a"], shown["executed_count"]) == ("b", 3)
    assert shown["tm_end"] is not None


def test_an_unknown_activeflow_is_not_found(desk: Desk) -> None:
    """404 with a type."""
    uri = f"/v1/activeflows/{new_id()}"
    answers = [desk.get(uri), desk.delete(uri), desk.post(f"{uri}/stop"), desk.post(f"{uri}/execute")]
    answers += [desk.post(f"{uri}/continue", {"current_action_id": START}), desk.get(f"{uri}/stacks")]
    assert {(answer.status, answer.reason) for answer in answers} == {(404, "ACTIVEFLOW_NOT_FOUND")}


def test_a_stop_ends_the_activeflow(desk: Desk) -> None:
    """The answer is the record."""
    run = desk.start(talk("one"))
    run.next()
    status, shown = run.stop()
    assert (status, shown["status"], shown["state"], shown["ended_reason"]) == (200, "ended", "ended", "stop_request")
    assert shown["current_action"]["option"] == {"text": "one"}
    assert [step["result"] for step in shown["executed_actions"]] == ["interrupted"]
    assert desk.events(run)[-1] == "activeflow_updated"
    assert desk.sent()[-1]["data"]["status"] == "ended"


@pytest.mark.parametrize("pause", ["created", "waiting", "blocked"])
def test_an_activeflow_can_be_stopped_wherever_it_stands(desk: Desk, pause: str) -> None:
    """Before its start, in a wait, on a block."""
    run = desk.start(act("block"), act("sleep", duration=1000), reference_type="api")
    for resume in {"created": [], "blocked": [run.execute], "waiting": [run.execute, run.execute]}[pause]:
        resume()
    assert run.state == pause
    run.stop()
    assert run.ended == "stop_request"


def test_a_second_stop_changes_nothing(desk: Desk) -> None:
    """200 with the unchanged record, no event."""
    run = desk.start(talk("one"))
    first = run.stop()
    events = desk.events()
    assert run.stop() == first
    assert desk.events() == events


def test_a_deletion_stops_and_hides(desk: Desk) -> None:
    """Two events; the record can still be read."""
    run = desk.start(talk("one"))
    run.next()
    status, shown = run.delete()
    assert (status, shown["status"], shown["ended_reason"]) == (200, "ended", "deleted")
    assert shown["tm_delete"] is not None
    assert desk.events(run)[-2:] == ["activeflow_updated", "activeflow_deleted"]
    assert run.ended == "deleted"
    assert desk.get("/v1/activeflows?", {"deleted": False}).data == []
    assert [one["id"] for one in desk.get("/v1/activeflows?", {"deleted": True}).data] == [run.id]


def test_a_second_deletion_changes_nothing(desk: Desk) -> None:
    """200 with the unchanged record, no event."""
    run = desk.start(talk("one"))
    first = run.delete()
    events = desk.events()
    assert run.delete() == first
    assert desk.events() == events


def test_a_deletion_of_an_ended_activeflow_only_hides(desk: Desk) -> None:
    """Why it ended stays."""
    run = desk.start(talk("one"))
    run.walk()
    assert run.delete().data["ended_reason"] == "finished"
    assert desk.events(run)[-2:] == ["activeflow_updated", "activeflow_deleted"]


def test_a_list_shows_the_newest_first_with_histories(desk: Desk) -> None:
    """Each row in full."""
    runs: list[Run] = []
    for number in range(3):
        desk.later(1)
        runs.append(desk.start(talk(str(number))))
    runs[1].walk()
    status, shown = desk.get("/v1/activeflows?page_size=2")
    assert (status, [one["id"] for one in shown]) == (200, [runs[2].id, runs[1].id])
    assert [len(one.get("executed_actions", [])) for one in shown] == [0, 1]
    older = f"page_token={shown[-1]['tm_create']},{shown[-1]['id']}"
    assert [one["id"] for one in desk.get(f"/v1/activeflows?{older}").data] == [runs[0].id]


def test_pages_of_activeflows_lose_nothing_over_equal_times(desk: Desk) -> None:
    """As with flows."""
    ids = {desk.start(talk("x")).id for _ in range(5)}
    desk.same_time()
    found: set[str] = set()
    token = ""
    while shown := desk.get(f"/v1/activeflows?page_size=2&page_token={token}").data:
        found |= {one["id"] for one in shown}
        token = f"{shown[-1]['tm_create']},{shown[-1]['id']}"
    assert found == ids


def test_activeflows_are_filtered(desk: Desk) -> None:
    """By status, reference and everything that identifies them."""
    run, other = desk.start(talk("x")), desk.start(talk("x"), reference_type="api")
    other.stop()
    filters: list[Json] = [
        {"status": "running"},
        {"reference_type": "call"},
        {"reference_id": run.reference_id},
        {"id": run.id},
        {"flow_id": run.record["flow_id"]},
        {"customer_id": desk.customer_id, "status": "running"},
    ]
    for one in filters:
        assert [shown["id"] for shown in desk.get("/v1/activeflows?", one).data] == [run.id]


@pytest.mark.parametrize("filters", [{"owner": "x"}, {"variables": "x"}, {"status": 5}, {"flow_id": "x"}, [1]])
def test_a_filter_that_cannot_be_used_is_refused(desk: Desk, filters: object) -> None:
    """400."""
    assert desk.get("/v1/activeflows?", filters).status == 400


def test_two_callers_get_an_action_once(desk: Desk) -> None:
    """The row lock decides; the other is told that it is late."""
    run = desk.start(talk("one"), talk("two"))
    answers = [run.next(), run.next(seen=START)]
    assert sorted(answer.status for answer in answers) == [200, 409]
