"""`flowmanager lint`: what is printed, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowmanager.cli import main
from flowmanager.lint.linter import all_rules
from tests.unit.lint.builders import act, known, talk

GOOD = [talk(), act("hangup")]
NOTED = [talk(id="again"), act("goto", target_id="again")]
WARNED = [act("branch", target_ids={}, default_target_id="b"), talk(), talk(id="b")]
REFUSED = [act("dance")]


def run(*arguments: str, given: str | None = None) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["lint", *arguments], input=given)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with flows."""
    monkeypatch.chdir(tmp_path)
    flows = {"good": GOOD, "noted": NOTED, "warned": WARNED, "refused": REFUSED}
    for name, flow in flows.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(flow, indent=1))
    (tmp_path / "broken.json").write_text('[\n {"type": "talk",}\n]')
    (tmp_path / "bytes.json").write_bytes(b'"\xff"')
    for name, flow in {"sub/deep/warned.json": WARNED, "sub/good.json": GOOD, "sub/.hidden/deep.json": GOOD}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(flow))
    (tmp_path / "sub/empty").mkdir()
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("good.json", 0),
        ("noted.json", 0),
        ("warned.json", 1),
        ("refused.json", 1),
        ("good.json warned.json", 1),
        ("--fail-on error warned.json", 0),
        ("--fail-on error refused.json", 1),
        ("--fail-on note noted.json", 1),
        ("--fail-on note good.json", 0),
        ("--fail-on never refused.json", 0),
        ("--ignore unreachable-action warned.json", 0),
        ("--format json warned.json", 1),
        ("--format sarif warned.json", 1),
        ("--reference-type api good.json", 1),
        ("--reference-type call good.json", 0),
        ("--reference-type none good.json", 1),
        ("broken.json", 2),
        ("good.json broken.json", 2),
        ("missing.json", 2),
        (".", 2),
        ("sub", 1),
        ("sub/.hidden/deep.json", 0),
        ("sub/empty", 2),
        ("good.json sub/empty", 2),
        ("bytes.json", 2),
        ("", 2),
        ("--ignore nothing good.json", 2),
    ],
)
def test_the_exit_status(arguments: str, status: int) -> None:
    """0 fine, 1 something was found, 2 it cannot be read."""
    assert run(*arguments.split()).exit_code == status


@pytest.mark.usefixtures("folder")
def test_a_folder_means_its_files() -> None:
    """All below it, in order, without what is hidden; one without flows is a mistake."""
    shown = json.loads(run("--format", "json", "sub", "sub/good.json").output)
    assert [one["file"] for one in shown["files"]] == ["sub/deep/warned.json", "sub/good.json"]
    empty = run("sub/empty")
    assert "sub/empty: no file *.json in this folder" in empty.output
    assert "no flow was looked at" in empty.output


@pytest.mark.usefixtures("folder")
def test_the_text() -> None:
    """File and line, what is wrong, where, what to do, and the sum."""
    assert run("warned.json", "good.json").output.splitlines() == [
        "warned.json:9: warning: the action talk is never run: actions[0] (branch) always jumps, and nothing jumps here"
        " [unreachable-action]",
        "    at actions[1]",
        "    Jump here, remove it, or let the action before go on.",
        "",
        "1 warning in 2 flows",
    ]
    assert run("good.json").output == "nothing found in 1 flow\n"


@pytest.mark.usefixtures("folder")
def test_a_refused_flow_hides_something() -> None:
    """That is said."""
    assert "1 error in 1 flow. Mend the errors first" in run("refused.json").output


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("broken.json", "broken.json:2: not JSON: "),
        ("missing.json", "missing.json: cannot be read: No such file or directory"),
        ("bytes.json", "bytes.json: not UTF-8: byte 1"),
    ],
)
def test_what_cannot_be_read(name: str, told: str) -> None:
    """One line on stderr says why; the other files are looked at."""
    ended = run("warned.json", name)
    assert ended.stderr.startswith(told)
    assert len(ended.stderr.splitlines()) == 1
    assert "1 warning in 1 flow" in ended.stdout


def test_a_byte_order_mark_is_no_mistake(folder: Path) -> None:
    """Some editors write one."""
    (folder / "marked.json").write_bytes(b"\xef\xbb\xbf[]")
    assert run("marked.json").exit_code == 0


def test_the_standard_input() -> None:
    """Its name is `-`; the line is that of the text."""
    ended = run("-", given='{"actions":\n[{"type": "dance"}]}')
    assert ended.output.startswith("-:2: error: not supported action type: dance")


@pytest.mark.usefixtures("folder")
def test_json() -> None:
    """All files with their findings; what a form without `actions` is called is the same path."""
    shown: Any = json.loads(run("--format", "json", "refused.json", "good.json").output)
    [first, second] = shown["files"]
    assert (first["file"], first["valid"]) == ("refused.json", False)
    assert second == {"file": "good.json", "valid": True, "findings": []}
    [finding] = first["findings"]
    assert {key: finding[key] for key in ("rule", "severity", "path", "line")} == {
        "rule": "refused",
        "severity": "error",
        "path": "actions[0].type",
        "line": 3,
    }
    assert set(finding) == {"rule", "severity", "path", "line", "reason", "fix"}


def test_sarif(folder: Path) -> None:
    """In the form that code hosts read: rules, levels, files and lines."""
    (folder / "odd name.json").write_text(json.dumps([*WARNED, *NOTED, act("dance")]))
    shown: Any = json.loads(run("--format", "sarif", "odd name.json", "good.json").output)
    assert (shown["version"], shown["$schema"].rpartition("/")[2]) == ("2.1.0", "sarif-schema-2.1.0.json")
    [sarif] = shown["runs"]
    rules = sarif["tool"]["driver"]["rules"]
    assert len(rules) == len(all_rules()) + 1
    assert all(rule["shortDescription"]["text"].endswith(".") for rule in rules)
    assert {result["level"] for result in sarif["results"]} == {"error", "warning", "note"}
    for result in sarif["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        [location] = result["locations"]
        place = location["physicalLocation"]
        assert place == {"artifactLocation": {"uri": "odd%20name.json"}, "region": {"startLine": 1}}
        assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("actions[")
        assert result["message"]["text"]


def test_flows_that_are_given_together_know_each_other(folder: Path) -> None:
    """Each by its id."""
    for own, other in ((1, 2), (2, 1)):
        flow = {"id": known(own), "on_complete_flow_id": known(other), "actions": [act("stop")]}
        (folder / f"{own}.json").write_text(json.dumps(flow))
    assert run("1.json").exit_code == 0
    ended = run("1.json", "2.json")
    assert ended.exit_code == 1
    assert "1.json and 2.json start each other when they end" in ended.output


def test_the_limits_are_those_of_the_environment(folder: Path) -> None:
    """As for the service."""
    ended = CliRunner().invoke(main, ["lint", str(folder / "good.json")], env={"FLOWMANAGER_LIMIT_ACTIONS": "1"})
    assert "too many" in ended.output
    wrong = CliRunner().invoke(main, ["lint", "good.json"], env={"FLOWMANAGER_LIMIT_ACTIONS": "x"})
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        "flowmanager: FLOWMANAGER_LIMIT_ACTIONS must be a whole number above 0\n",
    )


def test_the_rules_are_listed() -> None:
    """Each with its sentence."""
    ended = run("--rules")
    assert ended.exit_code == 0
    assert [line.split()[0] for line in ended.output.splitlines()] == ["refused", *(one.name for one in all_rules())]
