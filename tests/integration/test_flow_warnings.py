"""What is said about flows: by `POST /v1/flows/validate`, and in the answers to their creation and change."""

from __future__ import annotations

from typing import Any

import pytest

from flowmanager.orchestrator.validator import MOST_ACTIONS
from tests.desk import Desk, Json, act, new_id, talk

URI = "/v1/flows/validate"
NO_DEFAULT = act("branch", target_ids={"1": "hello"})
ENDLESS = [talk("again", id="again"), act("goto", target_id="again")]


def short(findings: list[Json]) -> list[str]:
    """Findings in a few words."""
    return [f"{one['rule']} {one['severity']} {one['path']}" for one in findings]


def validated(desk: Desk, *actions: Json, **fields: Any) -> list[str]:
    """What is said about a flow."""
    status, data = desk.post(URI, {"customer_id": desk.customer_id, "actions": list(actions), **fields})
    assert status == 200, data
    assert data["valid"] is not any(one["severity"] == "error" for one in data["findings"])
    return short(data["findings"])


def stored(desk: Desk, *actions: Json, **fields: Any) -> Json:
    """A flow as its creation shows it."""
    body = {"customer_id": desk.customer_id, "persist": True, "actions": list(actions), **fields}
    status, data = desk.post("/v1/flows", body)
    assert status == 200, data
    found: Json = data
    return found


def test_a_flow_without_mistakes(desk: Desk) -> None:
    """Nothing is said, nothing is stored, nothing is told to others."""
    body = {"customer_id": desk.customer_id, "actions": [talk("hello")]}
    assert desk.post(URI, body) == (200, {"valid": True, "findings": []})
    assert desk.post(URI, {}) == (200, {"valid": True, "findings": []})
    assert desk.get("/v1/flows?", {}).data == []
    assert desk.events() == []


def test_every_mistake_is_told_with_path_reason_and_advice(desk: Desk) -> None:
    """Also those for which a creation would be refused, in an answer that is good."""
    status, data = desk.post(URI, {"actions": [act("tlak"), talk("hello", id="hello"), NO_DEFAULT]})
    assert status == 200
    assert data["valid"] is False
    assert short(data["findings"]) == ["refused error actions[0].type", "no-default warning actions[2].option"]
    assert data["findings"][0] == {
        "rule": "refused",
        "severity": "error",
        "path": "actions[0].type",
        "reason": "not supported action type: tlak",
        "fix": "Did you mean talk?",
    }


@pytest.mark.parametrize(
    ("body", "path"), [(None, "data"), ([], "data"), ("x", "data"), ({"reference_type": "bird"}, "reference_type")]
)
def test_what_cannot_be_read_is_refused(desk: Desk, body: Any, path: str) -> None:
    """400, with the path."""
    answer = desk.post(URI, body)
    assert (answer.status, answer.data["details"][0]["path"]) == (400, path)


def test_the_reference_says_what_is_skipped(desk: Desk) -> None:
    """It may be left out."""
    assert validated(desk, talk("hello")) == []
    assert validated(desk, talk("hello"), reference_type="call") == []
    assert validated(desk, talk("hello"), reference_type="api") == ["skipped-action warning actions[0]"]


def test_flows_that_are_named_are_looked_up(desk: Desk) -> None:
    """One that does not exist, or is another customer's, is none."""
    after = desk.flow(talk("later"))
    fetch = act("fetch_flow", flow_id=after)
    assert validated(desk, fetch, on_complete_flow_id=after) == []
    lost = ["flow-cycle warning actions[0].option.flow_id", "flow-cycle warning on_complete_flow_id"]
    missing = new_id()
    assert validated(desk, act("fetch_flow", flow_id=missing), on_complete_flow_id=missing) == lost
    assert validated(desk, fetch, on_complete_flow_id=after, customer_id=new_id()) == lost


def test_a_circle_through_the_store_is_found(desk: Desk) -> None:
    """Before the change is made, and in its answer; with the names of the flows."""
    first = stored(desk, act("stop"), name="first")
    second = stored(desk, act("stop"), name="second", on_complete_flow_id=first["id"])
    body = {"name": "first", "actions": [act("stop")], "on_complete_flow_id": second["id"]}
    found = validated(desk, act("stop"), id=first["id"], on_complete_flow_id=second["id"])
    assert found == ["flow-cycle warning on_complete_flow_id"]
    status, changed = desk.put(f"/v1/flows/{first['id']}", body)
    assert (status, short(changed["warnings"])) == (200, found)
    assert '"second" and "first" start each other' in changed["warnings"][0]["reason"]


def test_a_flow_that_is_started_by_another_runs_without_a_call(desk: Desk) -> None:
    """Only what names it knows that: it is said where both are looked at."""
    after = stored(desk, talk("too late"))
    assert "warnings" not in after
    assert validated(desk, talk("hello"), on_complete_flow_id=after["id"]) == []


def test_warnings_come_with_the_answers_to_create_and_change(desk: Desk) -> None:
    """Where there are any; they are not stored, and others are not told."""
    flow = stored(desk, talk("hello", id="hello"), NO_DEFAULT)
    warnings = ["no-default warning actions[1].option"]
    assert short(flow["warnings"]) == warnings
    uri = f"/v1/flows/{flow['id']}"
    assert "warnings" not in desk.get(uri).data
    assert all("warnings" not in one["data"] for one in desk.sent())
    body = {"actions": [talk("hello", id="hello"), NO_DEFAULT]}
    assert short(desk.put(uri, body).data["warnings"]) == warnings
    assert short(desk.put(f"{uri}/actions", body).data["warnings"]) == warnings
    assert "warnings" not in desk.put(f"{uri}/actions", {"actions": [talk("hello")]}).data
    assert "warnings" not in desk.delete(uri).data


def test_notes_are_left_to_validate(desk: Desk) -> None:
    """They may be meant so."""
    assert validated(desk, *ENDLESS) == ["endless-loop note actions[1]"]
    assert "warnings" not in stored(desk, *ENDLESS)


def test_a_flow_that_is_named_may_be_stored_later(desk: Desk) -> None:
    """No warning comes with the creation."""
    assert "warnings" not in stored(desk, talk("hello"), on_complete_flow_id=new_id())


def test_of_very_long_flows_it_is_told_that_nobody_looked(desk: Desk) -> None:
    """To look at them would take too long; `validate` does."""
    long = [act("variable_set", key="a", value="b")] * (MOST_ACTIONS - 1)
    wrong = NO_DEFAULT | {"option": {}}
    assert "no-default" in {one["rule"] for one in stored(desk, *long, wrong)["warnings"]}
    [told] = stored(desk, *long, act("stop"), wrong)["warnings"]
    assert (told["rule"], told["severity"], told["path"]) == ("not-looked-at", "note", "actions")
    assert "POST /v1/flows/validate" in told["fix"]


def test_warnings_can_be_switched_off(desk: Desk) -> None:
    """Where every millisecond counts."""
    silent = desk.colleague(flow_warnings=False)
    assert "warnings" not in stored(silent, talk("hello", id="hello"), NO_DEFAULT)
