"""Few false alarms: flows that work are let alone, and every warning about a recorded flow is a true one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from flowmanager.demo_flows import after_call_flow, ivr_flow, wait_flow
from flowmanager.lint.finding import Severity, accepted
from tests.conformance.recording import scenarios
from tests.unit.lint.builders import findings, known

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
URI = re.compile(r"/v1/flows(/[0-9a-f-]{36}(/actions)?)?")
FENCE = re.compile(r"^```(?:json|sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("flow", [wait_flow(), after_call_flow(), ivr_flow(known(1))], ids=["wait", "after", "ivr"])
def test_the_flows_of_the_demonstration_are_all_right(flow: Any) -> None:
    """Nothing at all is said about them."""
    assert findings(flow) == ()


def shown(document: Path) -> Iterator[Any]:
    """The flows of a document: JSON with actions, and lists of actions in Python."""
    for block in FENCE.findall(document.read_text()):
        for text in re.findall(r"^\{$.*?^\}$", block, re.MULTILINE | re.DOTALL):
            yield orjson.loads(text)
        if "actions=[" in block:
            yield from in_python(block)


def in_python(block: str) -> Iterator[Any]:
    """The actions that a piece of Python gives to a call."""
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.keyword) and node.arg == "actions" and isinstance(node.value, ast.List):
            yield [dictionary(item) for item in node.value.elts]


def dictionary(node: ast.expr) -> Any:
    """An action as a dictionary, also when it is written `Action(type=…)`."""
    if isinstance(node, ast.Call):
        return {one.arg: ast.literal_eval(one.value) for one in node.keywords}
    return ast.literal_eval(node)


def test_the_flows_of_the_documents_are_all_right() -> None:
    """Except those that show a mistake: docs/lint.md has a test of its own."""
    flows = [flow for path in DOCUMENTS if path.name != "lint.md" for flow in shown(path)]
    told = [one for flow in flows if isinstance(flow, list) or "actions" in flow for one in findings(flow)]
    assert len(flows) > 3
    assert [one for one in told if one.severity is Severity.ERROR] == [
        one for one in told if one.path == "actions[0].type" and "dance" in one.reason
    ]
    # docs/client.md jumps over an action to show a jump, and has a flow with a mistake checked, as docs/tutorial.md.
    warned = [f"{one.rule} {one.path}" for one in told if one.severity is Severity.WARNING]
    assert warned == ["unreachable-action actions[2]", "no-default actions[1].option", "no-default actions[3].option"]


def recorded() -> Iterator[tuple[str, Any, bool]]:
    """Every flow of the recordings, where it stands, and whether the reference service took it."""
    for scenario in scenarios():
        for step in scenario.steps:
            request = step.request
            if isinstance(request, dict) and request["method"] in ("POST", "PUT") and URI.fullmatch(request["uri"]):
                yield f"{scenario.name[:3]} {step.number}", request.get("data"), (step.status or 500) < 300


REFUSED = {
    *("010 7", "010 8", "010 16", "010 17", "054 9", "094 13", "094 16", "100 1", "100 4", "100 7", "100 10"),
    *("109 24", "114 1", "121 56", "126 22"),
}
"""Flows that the reference service takes and this one does not: see docs/compatibility.md."""

TRUE_WARNINGS = {
    "failing-option": "009 010 100 109 112 118 121 126",
    "no-default": "009 094 100 153 154",
    "dead-condition": "009 102",
    "dangling-target": "009 094 130 139",
    "unreachable-action": "009 054 093 094 130",
    "placeholder": "009 033 070 094",
    "duplicate-id": "021 054",
    "goto-never": "139",
    "reachable-limit": "106 108",
    "unset-variable": "093",
}
"""Warnings about flows that were taken, by scenario: each was looked at, and is what the scenario is about."""


def test_recorded_flows_are_refused_where_the_service_refuses_them() -> None:
    """What the reference took is taken, with few exceptions."""
    taken = {name for name, flow, good in recorded() if good and not accepted(findings(flow))}
    assert taken == REFUSED


def test_warnings_about_recorded_flows_are_true() -> None:
    """There are no others than those that were looked at."""
    found: dict[str, set[str]] = {}
    for name, flow, good in recorded():
        for one in findings(flow) if good and name not in REFUSED else ():
            if one.severity is Severity.WARNING:
                found.setdefault(one.rule, set()).add(name[:3])
    assert {rule: " ".join(sorted(names)) for rule, names in found.items()} == TRUE_WARNINGS
