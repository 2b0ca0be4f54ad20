"""Flows: create, read, list, change, delete."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.core.ids import NIL
from tests.desk import Desk, Json, act, new_id, peer_error, talk


def made(desk: Desk, *actions: Json, **fields: Any) -> Json:
    """A stored flow as its creation shows it."""
    body = {"customer_id": desk.customer_id, "persist": True, "actions": list(actions), **fields}
    status, data = desk.post("/v1/flows", body)
    assert status == 200, data
    found: Json = data
    return found


def refused(desk: Desk, *actions: Any, **fields: Any) -> Json:
    """The error of a creation; nothing may have been stored."""
    body = {"customer_id": desk.customer_id, "persist": True, "actions": list(actions), **fields}
    status, error = desk.post("/v1/flows", body)
    assert status == 400
    assert desk.get("/v1/flows?", {}).data == []
    assert desk.events() == []
    found: Json = error
    return found


def listed(desk: Desk, query: str = "", **filters: Any) -> list[str]:
    """The names of the flows of a list."""
    status, flows = desk.get(f"/v1/flows?{query}", {"customer_id": desk.customer_id, **filters})
    assert status == 200, flows
    return [flow.get("name", "") for flow in flows]


def test_a_flow_is_stored_as_given(desk: Desk) -> None:
    """Missing ids are generated; times are the database's."""
    after = new_id()
    given = {"name": "front desk", "detail": "night", "type": "conference", "on_complete_flow_id": after}
    flow = made(desk, act("answer"), talk("hi", next_id=NIL), **given)
    assert {key: flow[key] for key in given} == given
    assert (flow["customer_id"], flow["persist"], flow["direct_id"]) == (desk.customer_id, True, NIL)
    assert [action["type"] for action in flow["actions"]] == ["answer", "talk"]
    assert all(action["id"] != NIL and action["tm_execute"] is None for action in flow["actions"])
    assert "option" not in flow["actions"][0]
    assert flow["tm_create"].endswith("Z")
    assert (flow["tm_update"], flow["tm_delete"]) == (None, None)
    assert desk.get(f"/v1/flows/{flow['id']}") == (200, flow)
    assert desk.sent()[-1] == {**desk.sent()[-1], "type": "flow_created", "data": flow}


def test_an_empty_body_makes_an_empty_temporary_flow(desk: Desk) -> None:
    """Every field has a default."""
    status, flow = desk.post("/v1/flows", {})
    assert (status, flow["customer_id"], flow.get("actions"), flow.get("persist")) == (200, NIL, None, None)


@pytest.mark.parametrize("body", [None, [], "x", {"actions": {}}, {"customer_id": 5}, {"name": 5}, {"persist": "yes"}])
def test_a_body_that_cannot_be_read_is_refused(desk: Desk, body: object) -> None:
    """400."""
    assert desk.post("/v1/flows", body).status == 400


def test_given_ids_are_kept(desk: Desk) -> None:
    """In their canonical form."""
    given = new_id()
    flow = made(desk, talk("x", id=given.upper()), talk("y", next_id=given.replace("-", "")))
    assert flow["actions"][0]["id"] == flow["actions"][1]["next_id"] == given


def test_names_become_ids_and_every_target_follows(desk: Desk) -> None:
    """The documented examples name their actions."""
    flow = made(
        desk,
        act("branch", id="menu", target_ids={"1": "sales", "2": "help"}, default_target_id="menu"),
        act("condition_variable", id="sales", variable="x", false_target_id="help", next_id="end"),
        act("goto", id="help", target_id="menu", loop_count=2),
        talk("bye", id="end"),
    )
    menu, sales, help_, end = flow["actions"]
    assert menu["option"]["target_ids"] == {"1": sales["id"], "2": help_["id"]}
    assert menu["option"]["default_target_id"] == help_["option"]["target_id"] == menu["id"]
    assert (sales["option"]["false_target_id"], sales["next_id"]) == (help_["id"], end["id"])
    assert len({action["id"] for action in flow["actions"]} - {NIL}) == 4


UNKNOWN_TARGETS = [
    (talk("x", next_id="nowhere"), "actions[0].next_id"),
    (act("goto", target_id="nowhere"), "actions[0].option.target_id"),
    (act("condition_variable", false_target_id="nowhere"), "actions[0].option.false_target_id"),
    (act("branch", default_target_id="nowhere"), "actions[0].option.default_target_id"),
    (act("branch", target_ids={"1": "nowhere"}), "actions[0].option.target_ids.1"),
]


@pytest.mark.parametrize(("action", "path"), UNKNOWN_TARGETS)
def test_an_unknown_name_is_refused(desk: Desk, action: Json, path: str) -> None:
    """400 naming the JSON path."""
    error = refused(desk, action)
    assert (error["reason"], error["details"][0]["path"]) == ("INVALID_REQUEST", path)
    assert path in error["message"]


def test_a_name_stands_for_one_action(desk: Desk) -> None:
    """Used twice it is refused."""
    assert refused(desk, talk("x", id="a"), talk("y", id="a"))["details"][0]["path"] == "actions[1].id"


@pytest.mark.parametrize("action_type", ["dance", "", "Talk", "empty", "talk "])
def test_an_unknown_type_is_refused(desk: Desk, action_type: str) -> None:
    """400 with a reason of its own."""
    error = refused(desk, talk("fine"), act(action_type))
    assert (error["reason"], error["details"][0]["path"]) == ("INVALID_ACTION_TYPE", "actions[1].type")


@pytest.mark.parametrize("action_type", ["call", "connect"])
@pytest.mark.parametrize("value", ["maybe", "Yes", " no"])
def test_an_unknown_anonymous_value_is_refused(desk: Desk, action_type: str, value: str) -> None:
    """400 with a reason of its own."""
    assert refused(desk, act(action_type, anonymous=value))["reason"] == "INVALID_ANONYMOUS_VALUE"


@pytest.mark.parametrize("value", ["", "yes", "no", "auto", "${hide}"])
def test_a_known_anonymous_value_is_stored(desk: Desk, value: str) -> None:
    """A placeholder is known when the action runs."""
    assert made(desk, act("connect", anonymous=value))["actions"][0]["option"]["anonymous"] == value


@pytest.mark.parametrize(
    ("action", "path"),
    [
        (act("sleep", duration="long"), "actions[0].option.duration"),
        (act("goto", target_id=5), "actions[0].option.target_id"),
        (act("talk", text=5), "actions[0].option.text"),
        (act("connect", destinations=[{"type": 5}]), "actions[0].option.destinations[0].type"),
        ({"type": "talk", "option": []}, "actions[0].option"),
        ({"type": "talk", "id": 5}, "actions[0].id"),
    ],
)
def test_an_option_of_the_wrong_kind_is_refused(desk: Desk, action: Json, path: str) -> None:
    """400 naming the JSON path."""
    assert refused(desk, action)["details"][0]["path"] == path


def test_unknown_options_and_placeholders_are_stored(desk: Desk) -> None:
    """Peers may be newer than we are; what a placeholder becomes is seen when the action runs."""
    action = act("sleep", duration="${pause}", colour="red")
    assert made(desk, action)["actions"][0]["option"] == {"duration": "${pause}", "colour": "red"}


def test_the_actions_inside_a_call_are_not_read(desk: Desk) -> None:
    """They belong to another flow."""
    made(desk, act("call", actions=[{"type": "dance", "id": "x", "next_id": "y"}]))


def test_an_unknown_flow_is_not_found(desk: Desk) -> None:
    """404 with a type, whatever is asked of it."""
    uri = f"/v1/flows/{new_id()}"
    answers = [desk.get(uri), desk.put(uri, {}), desk.put(f"{uri}/actions", {}), desk.delete(uri)]
    answers += [desk.post(f"{uri}/direct-hash-regenerate"), desk.get(f"{uri}/actions/{new_id()}")]
    assert {(answer.status, answer.reason) for answer in answers} == {(404, "FLOW_NOT_FOUND")}


def test_an_update_replaces_everything_that_can_change(desk: Desk) -> None:
    """What is absent is cleared; owner and type stay."""
    flow = made(desk, act("answer"), name="a", detail="b", type="queue", on_complete_flow_id=new_id())
    status, changed = desk.put(f"/v1/flows/{flow['id']}", {"name": "c", "actions": [talk("x"), act("hangup")]})
    assert (status, changed["name"], changed.get("detail"), changed["on_complete_flow_id"]) == (200, "c", None, NIL)
    assert [action["type"] for action in changed["actions"]] == ["talk", "hangup"]
    assert (changed["type"], changed["customer_id"], changed["tm_create"]) == (
        "queue",
        desk.customer_id,
        flow["tm_create"],
    )
    assert changed["tm_update"] is not None
    assert desk.get(f"/v1/flows/{flow['id']}").data == changed
    assert (desk.events()[-1], desk.sent()[-1]["data"]) == ("flow_updated", changed)


def test_an_update_that_is_refused_changes_nothing(desk: Desk) -> None:
    """400."""
    flow = made(desk, act("answer"), name="a")
    for uri in (f"/v1/flows/{flow['id']}", f"/v1/flows/{flow['id']}/actions"):
        assert desk.put(uri, {"name": "b", "actions": [act("dance")]}).reason == "INVALID_ACTION_TYPE"
    assert desk.get(f"/v1/flows/{flow['id']}").data == flow


def test_actions_are_replaced_alone(desk: Desk) -> None:
    """Everything else stays."""
    flow = made(desk, act("answer"), name="a")
    status, changed = desk.put(f"/v1/flows/{flow['id']}/actions", {"actions": [talk("x")]})
    assert (status, changed["name"], len(changed["actions"])) == (200, "a", 1)
    assert desk.events()[-1] == "flow_updated"


def test_running_activeflows_keep_their_actions(desk: Desk) -> None:
    """An edit is for those who start later."""
    run = desk.start(talk("old"))
    desk.put(f"/v1/flows/{run.record['flow_id']}/actions", {"actions": [talk("new")]})
    assert run.walk() == ["old", "finish"]


def test_one_action_is_shown_as_it_was_stored(desk: Desk) -> None:
    """Not substituted; an unknown one is not found."""
    flow = made(desk, talk("hi ${name}"))
    action = flow["actions"][0]
    assert desk.get(f"/v1/flows/{flow['id']}/actions/{action['id']}") == (200, action)
    assert desk.get(f"/v1/flows/{flow['id']}/actions/{new_id()}").reason == "ACTION_NOT_FOUND"


def test_a_deleted_flow_is_hidden_but_can_be_read(desk: Desk) -> None:
    """Gone from the count, still there for who asks for deleted ones; again: unchanged."""
    flow = made(desk, talk("x"), name="a")
    status, deleted = desk.delete(f"/v1/flows/{flow['id']}")
    assert (status, deleted["tm_delete"] is not None, deleted["tm_update"]) == (200, True, deleted["tm_delete"])
    assert (listed(desk, deleted=False), listed(desk, deleted=True), listed(desk)) == ([], ["a"], ["a"])
    assert desk.get(f"/v1/flows/{flow['id']}").data == deleted
    assert desk.delete(f"/v1/flows/{flow['id']}").data == deleted
    assert desk.events() == ["flow_created", "flow_deleted"]


def test_an_activeflow_of_a_deleted_flow_can_be_made(desk: Desk) -> None:
    """Numbers and campaigns may still name it."""
    flow = made(desk, talk("x"))
    desk.delete(f"/v1/flows/{flow['id']}")
    assert desk.create(flow["id"]).status == 200


def test_temporary_flows_are_outside_lists_and_counts(desk: Desk) -> None:
    """They can be read and started."""
    flow = made(desk, talk("x"), persist=False)
    assert "persist" not in flow
    assert desk.get(f"/v1/flows/{flow['id']}").data == flow
    assert listed(desk) == []
    assert count(desk) == 0
    assert desk.create(flow["id"]).status == 200
    assert desk.events()[0] == "flow_created"


def test_temporary_flows_expire(desk: Desk) -> None:
    """After a day nobody finds them; what was started goes on."""
    flow = made(desk, talk("x"), persist=False)
    run = desk.run(desk.create(flow["id"]).data["id"])
    desk.later(24 * 3600 - 60)
    assert desk.get(f"/v1/flows/{flow['id']}").status == 200
    desk.later(61)
    assert desk.get(f"/v1/flows/{flow['id']}").status == 404
    assert desk.create(flow["id"]).status == 404
    assert run.walk() == ["x", "finish"]


def count(desk: Desk) -> int:
    """How many flows the customer has stored."""
    status, data = desk.get("/v1/flows/count_by_customer", {"customer_id": desk.customer_id})
    assert status == 200
    return int(data["count"])


def test_stored_flows_are_counted_by_customer(desk: Desk) -> None:
    """Deleted and temporary ones are not."""
    flows = [made(desk, talk("x")) for _ in range(3)]
    made(desk, persist=False)
    desk.delete(f"/v1/flows/{flows[0]['id']}")
    Desk(desk.store, desk.engines).flow(talk("x"))
    assert count(desk) == 2


def test_a_customer_can_store_so_many_flows(desk: Desk) -> None:
    """Then no more; temporary ones are not limited by it, others are not concerned."""
    colleague = desk.colleague(max_flows=2)
    for _ in range(2):
        made(colleague, talk("x"))
    body = {"customer_id": desk.customer_id, "persist": True}
    assert colleague.post("/v1/flows", body).reason == "FLOW_LIMIT"
    assert colleague.post("/v1/flows", {**body, "customer_id": new_id()}).status == 200
    assert colleague.post("/v1/flows", {**body, "persist": False}).status == 200
    assert count(desk) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_lose_nothing_over_equal_times(desk: Desk, size: int) -> None:
    """Time and id of the last row lead to the next page."""
    names = [str(number) for number in range(7)]
    for name in names:
        made(desk, name=name)
    desk.same_time()
    found: list[str] = []
    token = ""
    while flows := desk.get(f"/v1/flows?page_size={size}&page_token={token}", {}).data:
        assert len(flows) <= size
        found += [flow["name"] for flow in flows]
        token = f"{flows[-1]['tm_create']},{flows[-1]['id']}"
    assert sorted(found) == names


def test_a_plain_time_is_a_token_too(desk: Desk) -> None:
    """As other managers use it: everything older."""
    for name in ("a", "b", "c"):
        desk.later(1)
        made(desk, name=name)
    assert listed(desk) == ["c", "b", "a"]
    newest = desk.get("/v1/flows?page_size=1").data[0]["tm_create"]
    assert listed(desk, f"page_token={newest}") == ["b", "a"]
    assert listed(desk, "page_token=2000-01-01T00%3A00%3A00.000000Z") == []


def test_the_page_size_has_a_default_and_a_maximum(desk: Desk) -> None:
    """Absent, empty and 0 mean a hundred."""
    for _ in range(101):
        desk.post("/v1/flows", {"customer_id": desk.customer_id, "persist": True})
    sizes = {query: len(listed(desk, query)) for query in ("", "page_size=", "page_size=0", "page_size=5000")}
    assert sizes == {"": 100, "page_size=": 100, "page_size=0": 100, "page_size=5000": 101}


@pytest.mark.parametrize("query", ["page_size=x", "page_size=-1", "page_size=1.5", "page_token=yesterday"])
def test_a_page_that_cannot_be_read_is_refused(desk: Desk, query: str) -> None:
    """400."""
    assert desk.get(f"/v1/flows?{query}").status == 400


def test_filters_must_all_match(desk: Desk) -> None:
    """Equality on known columns."""
    direct = new_id()
    made(desk, name="a", type="queue")
    desk.later(1)
    made(desk, name="b", type="queue", on_complete_flow_id=direct)
    assert listed(desk, type="queue") == ["b", "a"]
    assert listed(desk, type="queue", name="a") == ["a"]
    assert listed(desk, on_complete_flow_id=direct) == ["b"]
    assert listed(desk, on_complete_flow_id="") == ["a"]
    assert listed(desk, deleted="false") == ["b", "a"]
    assert Desk(desk.store, desk.engines).get("/v1/flows?", {"customer_id": new_id()}).data == []


@pytest.mark.parametrize(
    "filters",
    [
        {"colour": "red"},
        {"name": 5},
        {"id": "x"},
        {"deleted": 5},
        {"actions": "x"},
        {"name": None},
        {"persist": True},
        {"tm_create": "x"},
        [],
        "x",
    ],
)
def test_a_filter_that_cannot_be_used_is_refused(desk: Desk, filters: object) -> None:
    """400, not an empty list."""
    assert desk.get("/v1/flows?", filters).status == 400


def test_a_list_needs_no_body(desk: Desk) -> None:
    """And no query."""
    made(desk, name="a")
    assert [len(desk.get(uri).data) for uri in ("/v1/flows?", "/v1/flows", "/v1/flows?page_size=1")] == [1, 1, 1]


DIRECT = {"id": "8c41d0f7-6ab2-4e59-9d13-f05b7e2c6a81", "hash": "k7Qp2mXw"}
OTHER = {"id": "9c41d0f7-6ab2-4e59-9d13-f05b7e2c6a81", "hash": "zzzzzzzz"}


def test_a_stored_flow_of_type_flow_gets_a_direct_hash(desk: Desk) -> None:
    """direct-manager makes it."""
    desk.outside.teach("direct POST /v1/directs", DIRECT)
    flow = made(desk, type="flow")
    assert (flow["direct_id"], flow["direct_hash"]) == (DIRECT["id"], DIRECT["hash"])
    body = {"customer_id": desk.customer_id, "resource_type": "flow", "resource_id": flow["id"]}
    assert desk.outside.asks[-1].body == body


@pytest.mark.parametrize("fields", [{"type": "queue"}, {"type": "flow", "persist": False}, {}])
def test_other_flows_get_none(desk: Desk, fields: Json) -> None:
    """Nobody is asked."""
    assert made(desk, **fields)["direct_id"] == NIL
    assert desk.asked == []


def test_a_flow_is_stored_although_direct_manager_fails(desk: Desk) -> None:
    """The hash can be had later."""
    assert made(desk, type="flow")["direct_id"] == NIL
    assert desk.asked == ["direct POST /v1/directs"]


def test_a_direct_hash_is_made_anew(desk: Desk) -> None:
    """The first time it is created; nobody is told."""
    flow = made(desk)
    desk.outside.teach("direct POST /v1/directs", DIRECT)
    desk.outside.teach("direct POST /v1/directs/*/regenerate", OTHER)
    events, uri = desk.events(), f"/v1/flows/{flow['id']}/direct-hash-regenerate"
    hashes = [desk.post(uri).data["direct_hash"] for _ in range(2)]
    assert (hashes, desk.events()) == ([DIRECT["hash"], OTHER["hash"]], events)
    assert desk.asked == ["direct POST /v1/directs", f"direct POST /v1/directs/{DIRECT['id']}/regenerate"]
    assert desk.get(f"/v1/flows/{flow['id']}").data["direct_hash"] == OTHER["hash"]


def test_a_failure_of_direct_manager_is_relayed(desk: Desk) -> None:
    """Its typed error, else a 500 of ours; the flow stays as it was."""
    flow = made(desk)
    uri = f"/v1/flows/{flow['id']}/direct-hash-regenerate"
    assert (desk.post(uri).status, desk.post(uri).reason) == (500, "DIRECT_FAILED")
    desk.outside.teach("direct POST *", peer_error("direct", 404, "DIRECT_NOT_FOUND"))
    assert (desk.post(uri).status, desk.post(uri).reason) == (404, "DIRECT_NOT_FOUND")
    assert desk.get(f"/v1/flows/{flow['id']}").data == flow


def test_the_direct_hash_of_a_deleted_flow_is_given_back(desk: Desk) -> None:
    """After the answer; a failure harms nobody."""
    desk.outside.teach("direct POST /v1/directs", DIRECT)
    flow = made(desk, type="flow")
    replies: list[int] = []
    desk.outside.teach("direct DELETE *", lambda _: replies.append(len(desk.outside.replies)))
    before = len(desk.outside.replies)
    assert desk.delete(f"/v1/flows/{flow['id']}").status == 200
    assert (replies, desk.asked[-1]) == ([before + 1], f"direct DELETE /v1/directs/{DIRECT['id']}")


@pytest.mark.parametrize(
    "uri", ["/v1/nothing", "/v1/flows/x", "/v1/flows/", "/v2/flows", "", "/v1/flows/{id}?x=1", "/v1/flows/{ID}"]
)
def test_an_unknown_uri_is_not_found(desk: Desk, uri: str) -> None:
    """404 with a type."""
    flow_id = new_id()
    status, error = desk.get(uri.format(id=flow_id, ID=flow_id.upper()))
    assert (status, error["reason"]) == (404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"\xff", b'{"uri": 5}', b'"' + b"x" * 9])
def test_what_is_no_envelope_is_answered(desk: Desk, body: bytes) -> None:
    """400 when somebody waits for it."""
    assert desk.hand(body).reason == "INVALID_ENVELOPE"
    assert desk.hand(body, reply_to="").status == 0
