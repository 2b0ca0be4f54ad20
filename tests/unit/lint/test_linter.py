"""The linter as a whole: it never fails, and refuses what the service refuses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from marshmallow import ValidationError

from flowmanager.bootstrap import all_executors
from flowmanager.checker import ActionChecker
from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.limits import Limits
from flowmanager.errors import InvalidRequest
from flowmanager.lint import rules as rule_package
from flowmanager.lint.finding import Severity, accepted
from flowmanager.lint.linter import all_rules, lint, place
from flowmanager.lint.rule import Rule
from flowmanager.lint.world import World
from flowmanager.random_ids import RandomIds
from flowmanager.schemas.fields import first_fault
from flowmanager.schemas.requests import FlowCreate
from tests.unit.lint.builders import ACTIONS, DOCUMENTS, FLOWS, act, findings, known, short, talk, told

WORLDS = some.builds(World, reference_type=some.none() | some.sampled_from(ReferenceType), complete=some.booleans())


@given(some.lists(DOCUMENTS, max_size=3), WORLDS)
def test_it_never_fails(documents: list[Any], world: World) -> None:
    """Whatever JSON it is given, alone or together; each finding says where, why, and what to do."""
    reports = lint({str(number): document for number, document in enumerate(documents)}, world)
    assert len(reports) == len(documents)
    for one in (one for report in reports for one in report.findings):
        assert one.path
        assert one.reason
        assert one.fix.endswith((".", "?")), one.fix


def refusal(document: Any) -> str | None:
    """The path of what the service would refuse first, as `POST /v1/flows` does it."""
    try:
        forms = FlowCreate().load(document)["actions"]
        ActionChecker(all_executors(), RandomIds(), 100).check(forms)
    except ValidationError as error:
        return first_fault(error)[0]
    except InvalidRequest as error:
        return str(error.facts["path"])
    return None


@given(FLOWS)
def test_it_refuses_what_the_service_refuses(document: Any) -> None:
    """Nothing more and nothing less; what the service tells first is told."""
    found = findings(document)
    path = refusal(document)
    assert accepted(found) == (path is None)
    assert path is None or path in [one.path for one in found if one.severity is Severity.ERROR]


@given(some.lists(ACTIONS, min_size=1, max_size=6))
def test_a_harmless_action_that_nobody_reaches_changes_nothing_elsewhere(actions: list[Any]) -> None:
    """What was found before is found again."""
    before = Counter(short(one) for one in findings(actions))
    behind = Counter(told([*actions, act("stop"), act("variable_set", key="unread", value="1")]))
    # What went on behind the last action now comes to the stop: that is no finding about the others.
    assert not {one for one in before - behind if not one.startswith(("endless-loop", "refused"))}


@given(FLOWS)
def test_findings_come_in_the_order_of_the_actions(document: Any) -> None:
    """Behind those that the service refuses."""
    found = [one for one in findings(document) if one.rule != "refused"]
    assert found == sorted(found, key=lambda one: place(one.path))
    assert [one.rule for one in findings(document)][len(found) * -1 or 999 :].count("refused") == 0


def test_every_file_of_rules_is_named_after_its_rule() -> None:
    """And has one."""
    named = {
        name.replace("_", "-"): [value for value in vars(module).values() if isinstance(value, Rule)]
        for name, module in vars(rule_package).items()
        if getattr(module, "__package__", "") == rule_package.__name__ and not name.startswith("_")
    }
    assert all_rules()
    assert {name: [rule.name for rule in found] for name, found in named.items()} == {
        rule.name: [rule.name] for rule in all_rules()
    }


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (5, "data"),
        (None, "data"),
        ("[]", "data"),
        ({"actions": {}}, "actions"),
        ({"actions": 5, "name": 7}, "name"),
        ({"Actions": 5, "actions": []}, None),
        ([{"type": "talk", "id": "", "next_id": ""}], "actions[0].id"),
        ([5], "actions[0]"),
        ([talk(), {"type": 5}], "actions[1].type"),
        ([{"type": "talk", "option": []}], "actions[0].option"),
        ({"on_complete_flow_id": "x"}, "on_complete_flow_id"),
        ([{"id": " ", "type": "talk"}], "actions[0].id"),
        ({"Name": 5, "name": None}, None),
        ({"NAME": 5}, "name"),
        (eval("[" * 70 + "]" * 70), "data"),
    ],
)
def test_what_is_no_flow(document: Any, path: str | None) -> None:
    """It is told like every other mistake, once."""
    refused = [one.path for one in findings(document) if one.severity is Severity.ERROR]
    assert refused[:1] == ([path] if path else [])


def test_everything_that_is_refused_is_told_at_once() -> None:
    """In the words of the service, with the value and with what to do."""
    document = {
        "name": 5,
        "customer_id": "me",
        "actions": [
            act("tlak"),
            act("goto", id="menu", target_id="mneu"),
            act("sleep", id="menu", duration="5", next_id="nowhere"),
            act("condition_datetime", month=13, weekdays=[1, 8], false_target_id="menu"),
        ],
    }
    lines = [f"{one.path}: {one.reason}: {one.fix}" for one in findings(document) if one.rule == "refused"]
    assert lines == [
        "name: 5: not a text: Write a text, in double quotes.",
        'customer_id: "me": not a uuid: Write a uuid such as 9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3.',
        'actions[2].id: "menu": used twice: Give each action a name of its own.',
        "actions[0].type: not supported action type: tlak: Did you mean talk?",
        'actions[1].option.target_id: "mneu": no action has this id: Did you mean menu?',
        'actions[2].option.duration: "5": not a whole number: Write a whole number, without quotes.',
        'actions[2].next_id: "nowhere": no action has this id: '
        "Give an action this name as its id, or write the id of one that is there.",
        "actions[3].option.month: 13: must be less than or equal to 12: Write a value that is allowed here.",
        "actions[3].option.weekdays[1]: 8: must be greater than or equal to 0 and less than or equal to 6: "
        "Write a value that is allowed here.",
    ]


def test_a_list_that_is_too_long_is_refused_as_a_whole() -> None:
    """Nothing is said about its actions."""
    assert told([talk()] * 4, World(limits=Limits(actions=3))) == ["refused error "]


def test_nothing_more_is_said_of_a_place_that_is_refused() -> None:
    """The flow_id is there, only wrong."""
    assert told([act("fetch_flow", flow_id="x")]) == ["refused error [0].option.flow_id"]


def test_flows_inside_calls_are_looked_at_too() -> None:
    """With the paths that they have there; what the service would refuse makes the call fail."""
    call = {"source": {"target": "+1"}, "destinations": [{"target": "+2"}]}
    inner = [act("goto", target_id="gone", loop_count=1), act("dance"), talk("${voipbin.call.digts}"), act("block")]
    outer = act("call", **call, actions=inner)
    assert told([talk(), outer]) == [
        "failing-option warning [1].option.actions[0].option.target_id",
        "failing-option warning [1].option.actions[1].type",
        "unknown-name warning [1].option.actions[2].option.text",
        "skipped-action warning [1].option.actions[3]",
    ]
    assert told([talk(), act("call", **call, actions=inner, flow_id=known(1))]) == []


@pytest.mark.parametrize("deep", [False, True])
def test_long_flows_are_no_problem(deep: bool) -> None:
    """However far they go into loops, or into each other."""
    size = 3000
    ring = [act("condition_variable", id=f"a{number}", false_target_id=f"a{number // 2}") for number in range(size)]
    straight = [talk(id=f"a{number}", next_id=f"a{number + 1}") for number in range(size)] + [talk(id=f"a{size}")]
    assert not [one for one in told(ring if deep else straight) if one.startswith("refused")]
