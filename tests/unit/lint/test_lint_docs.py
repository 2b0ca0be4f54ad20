"""docs/lint.md describes every rule, and its examples are found and not found as it says."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from flowmanager.core.activeflow import ReferenceType
from flowmanager.lint.finding import Finding, Severity
from flowmanager.lint.linter import all_rules, lint
from flowmanager.lint.names import KNOWN, PARTY
from flowmanager.lint.refusals import NAME
from flowmanager.lint.world import World
from tests.documents import ROOT, below, code

PAGE = ROOT / "docs" / "lint.md"
SECTIONS = re.findall(r"^### ([a-z-]+)$", PAGE.read_text(), re.MULTILINE)
WORLDS = {"skipped-action": World(reference_type=ReferenceType.CALL)}

every_rule = pytest.mark.parametrize("name", SECTIONS)


def examples(name: str) -> list[Any]:
    """The flows of a section: one that is found, one that is not."""
    return [orjson.loads(block.text) for block in below(PAGE, f"### {name}") if block.kind == "json"]


def found(name: str, flow: Any) -> tuple[Finding, ...]:
    """What is found in an example."""
    [report] = lint({"x": flow}, WORLDS.get(name, World()))
    return report.findings


def test_every_rule_has_a_section() -> None:
    """And every section a rule."""
    assert set(SECTIONS) == {NAME, *(rule.name for rule in all_rules())}


@every_rule
def test_the_first_example_is_found(name: str) -> None:
    """By its rule and no other, as a warning or worse."""
    findings = found(name, examples(name)[0])
    assert {one.rule for one in findings} == {name}
    assert all(one.severity is not Severity.NOTE for one in findings)


@every_rule
def test_the_second_example_is_all_right(name: str) -> None:
    """Nothing at all is said about it."""
    [_, good] = examples(name)
    assert found(name, good) == ()


def test_the_example_of_the_output_is_true() -> None:
    """Its reason and its advice are those of the rule."""
    [finding] = found("no-default", examples("no-default")[0])
    [shown] = code(PAGE, "text")
    assert f"warning: {finding.reason} [no-default]\n    at {finding.path}\n    {finding.fix}\n" in shown.text


def test_all_names_that_are_set_are_listed() -> None:
    """In the section about unknown names: the prefix, and behind it the rest."""
    section = PAGE.read_text().partition("\n### unknown-name\n")[2].partition("\n##")[0]
    for name in KNOWN:
        parent, _, last = name.rpartition(".")
        short = f"{parent.rpartition('.')[2]}.…" if last in PARTY and f"{parent}.type" in KNOWN else last
        assert short in section or name in section or name.removeprefix("voipbin.tts.") in section, name
