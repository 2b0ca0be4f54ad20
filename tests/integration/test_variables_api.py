"""Variables from outside: read, set, delete, substitute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus

import pytest

from tests.desk import Desk, Json, act, new_id, talk


def test_all_variables_are_shown(desk: Desk) -> None:
    """With those that every activeflow has of itself."""
    run = desk.start(talk("one"), variables={"ticket": "A-1042"})
    status, data = desk.get(f"/v1/variables/{run.id}")
    assert (status, data["id"]) == (200, run.id)
    own = {
        "voipbin.activeflow.id": run.id,
        "voipbin.activeflow.reference_type": "call",
        "voipbin.activeflow.reference_id": run.reference_id,
        "voipbin.activeflow.reference_activeflow_id": "00000000-0000-0000-0000-000000000000",
        "voipbin.activeflow.flow_id": run.record["flow_id"],
        "voipbin.activeflow.complete_count": "0",
    }
    assert data["variables"] == {**own, "ticket": "A-1042"} == run.record["variables"]


def test_set_variables_are_merged(desk: Desk) -> None:
    """200 without data; what is not named stays."""
    run = desk.start(talk("one"), variables={"a": "1", "b": "2"})
    assert run.set_variables({"b": "3", "c": "4"}) == (200, None)
    assert run.variables == {"a": "1", "b": "3", "c": "4"}


def test_a_value_may_refer_to_what_is_stored(desk: Desk) -> None:
    """call-manager appends a digit so."""
    run = desk.start(talk("one"))
    for digit in "417":
        run.set_variables({"voipbin.call.digits": "${voipbin.call.digits}" + digit})
    assert run.variables == {"voipbin.call.digits": "417"}


def test_all_values_refer_to_what_was_stored_before(desk: Desk) -> None:
    """Within one request the order does not matter."""
    run = desk.start(talk("one"), variables={"a": "old"})
    run.set_variables({"a": "new", "b": "${a}"})
    assert run.variables == {"a": "new", "b": "old"}


def test_stored_text_is_never_evaluated_again(desk: Desk) -> None:
    """What a caller says cannot name another variable."""
    run = desk.start(talk("${said}"), variables={"secret": "x", "said": "${secret}"})
    run.set_variables({"copy": "${said}"})
    assert run.variables == {"secret": "x", "said": "${secret}", "copy": "${secret}"}
    assert run.next().data["option"]["text"] == "${secret}"


def test_appending_from_many_sides_loses_nothing(desk: Desk) -> None:
    """Each change waits for the row."""
    run = desk.start(talk("one"))
    append = {"digits": "${digits}x"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: run.set_variables(append), range(20)))
    assert {answer.status for answer in answers} == {200}
    assert run.variables == {"digits": "x" * 20}


def test_what_belongs_to_the_activeflow_itself_cannot_be_set(desk: Desk) -> None:
    """It is left out; other names of the platform can be set by peers."""
    run = desk.start(talk("one"))
    before = run.record["variables"]
    body = {"voipbin.activeflow.id": "x", " VoIPBIN.Activeflow.flow_id": "x", "voipbin.call.id": "c", "a": "b"}
    assert run.set_variables(body).status == 200
    assert run.record["variables"] == {**before, "voipbin.call.id": "c", "a": "b"}


def test_variable_set_cannot_set_what_belongs_to_the_activeflow(desk: Desk) -> None:
    """The action fails, the flow goes on."""
    run = desk.start(act("variable_set", key="voipbin.activeflow.id", value="x"), talk("one"))
    run.next()
    assert run.history == ["variable_set failed"]
    assert run.record["variables"]["voipbin.activeflow.id"] == run.id


TOO_MUCH: list[tuple[str, Json, str]] = [
    ("value", {"a": "x" * 32_769}, "rejected_value_size"),
    ("bytes, not characters", {"a": "é" * 16_385}, "rejected_value_size"),
    ("count", {f"k{number}": "x" for number in range(101)}, "rejected_count"),
    ("sum", {f"k{number}": "x" * 30_000 for number in range(3)}, "rejected_total"),
]


@pytest.mark.parametrize(("data", "reason"), [one[1:] for one in TOO_MUCH], ids=[one[0] for one in TOO_MUCH])
def test_too_much_is_refused_and_nothing_is_stored(desk: Desk, data: Json, reason: str) -> None:
    """400 naming the limit."""
    run = desk.start(talk("one"), variables={"a": "b"})
    status, error = run.set_variables(data)
    assert (status, error["reason"], error["details"][0]["limit"]) == (400, "VARIABLE_LIMIT", reason)
    assert run.variables == {"a": "b"}


def test_as_much_as_allowed_is_stored(desk: Desk) -> None:
    """The limits themselves are allowed."""
    run = desk.start(talk("one"))
    assert run.set_variables({"a": "x" * 32_768}).status == 200
    assert run.set_variables({f"k{number}": "x" for number in range(100)}).status == 200


def test_the_sum_of_all_variables_has_a_limit(desk: Desk) -> None:
    """Many small requests cannot fill the record either."""
    run = desk.start(talk("one"))
    answers = [run.set_variables({f"k{number}": "x" * 30_000}) for number in range(9)]
    assert [answer.status for answer in answers] == [200] * 8 + [400]
    assert answers[-1].data["details"][0]["limit"] == "rejected_merged"
    assert len(run.variables) == 8


def test_a_variable_set_over_a_limit_fails_and_the_flow_goes_on(desk: Desk) -> None:
    """Doubling a text does not fill the record."""
    double = act("variable_set", id="double", key="a", value="${a}${a}")
    run = desk.start(double, act("goto", target_id="double", loop_count=20), talk("end"), variables={"a": "x" * 1000})
    assert run.next().data["option"] == {"text": "end"}
    assert run.variables == {"a": "x" * 32_000}
    assert run.history.count("variable_set failed") == 16


@pytest.mark.parametrize("data", [None, [], {"variables": []}, {"variables": {"a": 5}}, {"variables": {"a": {}}}])
def test_values_must_be_texts(desk: Desk, data: object) -> None:
    """400; nothing is stored."""
    run = desk.start(talk("one"))
    assert desk.post(f"/v1/variables/{run.id}/variables", data).status == 400
    assert run.variables == {}


def delete(desk: Desk, activeflow_id: str, key: str) -> int:
    """Delete a variable by a key that is encoded already."""
    return desk.delete(f"/v1/variables/{activeflow_id}/variables/{key}").status


@pytest.mark.parametrize("name", ["plain", "voipbin.queue.name", "with space", "ünïcode", "a=b&c", "?x", "#1"])
def test_a_variable_is_deleted_by_its_encoded_name(desk: Desk, name: str) -> None:
    """As the platform's clients encode it."""
    run = desk.start(talk("one"), variables={"kept": "1"})
    run.set_variables({name: "x"})
    assert delete(desk, run.id, quote_plus(name)) == 200
    assert run.variables == {"kept": "1"}


@pytest.mark.parametrize("key", ["absent", "", "%25", "%zz", "a%2Fb", "%25zz"])
def test_deleting_what_is_not_there_is_no_error(desk: Desk, key: str) -> None:
    """200, or 400 for what is no encoding; nothing is lost."""
    run = desk.start(talk("one"), variables={"kept": "1"})
    assert delete(desk, run.id, key) == (400 if key == "%zz" else 200)
    assert run.variables == {"kept": "1"}


def test_a_name_with_a_slash_is_cut_at_it(desk: Desk) -> None:
    """Peers know it so."""
    run = desk.start(talk("one"))
    run.set_variables({"a": "1", "a/b": "2"})
    assert delete(desk, run.id, quote("a/b", safe="")) == 200
    assert run.variables == {"a/b": "2"}


def test_substitute_replaces_placeholders(desk: Desk) -> None:
    """A missing name becomes empty; nothing is stored."""
    run = desk.start(talk("one"), variables={"name": "Dana", "nested": "${name}"})
    text = "Hi ${name}; ${nested}; note ${absent}. $name {{name}} ${}"
    status, data = desk.post(f"/v1/variables/{run.id}/substitute", {"data": text})
    assert (status, data) == (200, {"data": "Hi Dana; ${name}; note . $name {{name}} "})


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("GET", "", None),
        ("POST", "/variables", {"variables": {"a": "b"}}),
        ("DELETE", "/variables/a", None),
        ("POST", "/substitute", {"data": "x"}),
    ],
)
def test_an_unknown_activeflow_is_not_found(desk: Desk, method: str, path: str, data: Json | None) -> None:
    """404 with a type."""
    status, error = desk.request(method, f"/v1/variables/{new_id()}{path}", data)
    assert (status, error["reason"]) == (404, "ACTIVEFLOW_NOT_FOUND")


def test_variables_are_kept_after_the_end(desk: Desk) -> None:
    """They can be read and set: post-processing needs them."""
    run = desk.start(talk("one"), variables={"a": "1"})
    run.stop()
    assert run.set_variables({"b": "2"}).status == 200
    assert run.variables == {"a": "1", "b": "2"}


def test_a_change_of_variables_tells_nobody(desk: Desk) -> None:
    """No event."""
    run = desk.start(talk("one"))
    events = desk.events()
    run.set_variables({"a": "b"})
    delete(desk, run.id, "a")
    assert desk.events() == events


def test_numbers_and_booleans_keep_their_type(desk: Desk) -> None:
    """Only texts are substituted, wherever they stand; keys are not."""
    option = {"n": 5, "list": [1, 2.5, True, None, "${a}", {"${a}": "${a}"}], "flag": False, "none": None}
    run = desk.start(act("talk", **option), variables={"a": "x"})
    shown = {**option, "list": [1, 2.5, True, None, "x", {"${a}": "x"}]}
    assert run.next().data["option"] == shown


def test_nested_actions_of_a_call_are_left_alone(desk: Desk) -> None:
    """Their placeholders belong to the flow of the new call."""
    desk.outside.teach("call POST /v1/calls", {"calls": [{"id": new_id()}]})
    nested = [talk("hello ${name}")]
    to = [{"type": "tel", "target": "${number}"}]
    run = desk.start(
        act("call", source={"type": "tel", "target": "+1"}, destinations=to, actions=nested),
        variables={"name": "Dana", "number": "+2"},
    )
    run.next()
    made = desk.outside.asks[-1].body
    assert made["destinations"] == [{"type": "tel", "target": "+2"}]
    flow = desk.get(f"/v1/flows/{made['flow_id']}").data
    assert flow["actions"][0]["option"] == {"text": "hello ${name}"}


def test_the_reference_is_asked_for_when_an_option_names_it(desk: Desk) -> None:
    """Once for an action, outside of any transaction; nested actions and skipped actions do not count."""
    desk.outside.teach("call GET /v1/calls/*", {"id": new_id(), "status": "progressing", "channel_id": "inner"})
    desk.outside.teach("call POST /v1/calls", {"calls": [{"id": new_id()}]})
    nested = [talk("${voipbin.flow.reference_data}")]
    run = desk.start(
        act("call", source={"target": "+1"}, destinations=[{"target": "+2"}], actions=nested),
        act("block", note="${voipbin.flow.reference_data}"),
        talk("${voipbin.flow.reference_data}|${voipbin.flow.reference_data}"),
    )
    first, second = run.next().data["option"]["text"].split("|")
    assert (first, '"status":"progressing"' in first, "channel_id" in first) == (second, True, False)
    assert [line.split()[1] for line in desk.asked] == ["POST", "GET"]


def test_requests_may_name_the_reference(desk: Desk) -> None:
    """To substitute a text and to set a variable; without one it is empty."""
    desk.outside.teach("call GET /v1/calls/*", {"id": new_id(), "status": "ringing"})
    run, other = desk.start(talk("x")), desk.start(talk("x"), reference_type="api")
    text = {"data": "<${voipbin.flow.reference_data}>"}
    assert '"status":"ringing"' in desk.post(f"/v1/variables/{run.id}/substitute", text).data["data"]
    assert desk.post(f"/v1/variables/{other.id}/substitute", text).data == {"data": "<>"}
    run.set_variables({"actions": "${voipbin.flow.reference_data}"})
    assert '"status":"ringing"' in run.variables["actions"]


def test_branch_clears_its_variable(desk: Desk) -> None:
    """The next branch waits for a new value."""
    run = desk.start(
        act("branch", variable="choice", target_ids={"1": "sales"}, default_target_id="other"),
        talk("other", id="other"),
        talk("sales", id="sales"),
        variables={"choice": "1"},
    )
    assert run.next().data["option"] == {"text": "sales"}
    assert run.variables == {"choice": ""}


def test_sync_webhooks_store_what_the_server_answered(desk: Desk) -> None:
    """As documented."""
    desk.outside.teach("webhook POST /v1/webhook_destinations", {"status_code": 201, "response": "created"})
    run = desk.start(act("webhook_send", sync=True, uri="https://example.com", method="POST", data="{}"), talk("one"))
    run.next()
    assert run.variables == {"voipbin.webhook.response": "created", "voipbin.webhook.status_code": "201"}
