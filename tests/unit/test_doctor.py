"""The doctor's round without servers: order, limits, what is skipped, and the rules that need no connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from flowmanager.check import Check, Finding, Level, check, doubtful, well, wrong
from flowmanager.cli import main
from flowmanager.core.limits import Limits
from flowmanager.doctor.clock import judged
from flowmanager.doctor.database import support
from flowmanager.doctor.database_session import unfit, unlike
from flowmanager.doctor.database_tables import faults_of
from flowmanager.doctor.settings import RULES, settings
from flowmanager.examination import Diagnosis, all_checks, examine
from flowmanager.patient import Patient
from flowmanager.settings import Settings
from tests.documents import ROOT, below

SECRET = "s3cr3t"
PATIENT = Patient(
    settings=Settings(rabbitmq_address="memory://", database_dsn="sqlite:////no/such/file"), environment={}
)


def levels(findings: Any) -> list[str]:
    """How bad they are."""
    return [finding.level.value for finding in findings]


def round_of(*checks: Check, seconds: float = 30.0) -> list[Diagnosis]:
    """Make these checks."""
    return list(examine(PATIENT, checks, seconds=seconds))


def test_every_file_is_one_check_of_its_name() -> None:
    """What a finding is called says where it is made."""
    files = {path.stem for path in (Path(__file__).parents[2] / "flowmanager" / "doctor").glob("*.py")} - {"__init__"}
    assert sorted(one.name.replace("-", "_") for one in all_checks()) == sorted(files)


def test_a_check_comes_behind_the_one_that_it_needs() -> None:
    """What can be reached is told first."""
    names = [one.name for one in all_checks()]
    assert names[:3] == ["broker", "database", "settings"]
    assert all(names.index(one.after) < names.index(one.name) for one in all_checks() if one.after)


def test_what_needs_something_that_failed_is_not_looked_at() -> None:
    """Nor what needs that in its turn; the others are."""

    @check("a")
    def failing(_: Patient) -> Iterator[Finding]:
        yield wrong("broken", "mend it")

    @check("b", after="a")
    def second(_: Patient) -> Iterator[Finding]:
        yield well("never asked")

    @check("c", after="b")
    def third(_: Patient) -> Iterator[Finding]:
        yield well("never asked")

    @check("d")
    def other(_: Patient) -> Iterator[Finding]:
        yield doubtful("hm", "look")

    found = round_of(failing, second, third, other)
    assert [levels(one.findings) for one in found] == [["fail"], ["skip"], ["skip"], ["warn"]]
    assert [one.failed for one in found] == [True, False, False, False]


def test_a_check_that_hangs_is_left_behind() -> None:
    """What it found until then is told, with what is the matter; the round goes on."""
    released = Event()

    @check("slow")
    def slow(_: Patient) -> Iterator[Finding]:
        yield well("so far")
        released.wait(60)

    @check("next")
    def following(_: Patient) -> Iterator[Finding]:
        yield well("on we go")

    found = round_of(slow, following, seconds=0.2)
    released.set()
    assert [levels(one.findings) for one in found] == [["ok", "fail"], ["ok"]]
    assert found[0].findings[1].found == "no answer within 0.2 s"


def test_a_fault_of_a_check_is_a_finding() -> None:
    """It does not hide what the others find."""

    @check("faulty")
    def faulty(_: Patient) -> Iterator[Finding]:
        yield well(str(1 // 0))

    assert round_of(faulty)[0].findings == (
        wrong("the check itself failed: ZeroDivisionError('integer division or modulo by zero')", "report this"),
    )


def of_settings(environment: dict[str, str], **changes: Any) -> list[Finding]:
    """What is found about settings."""
    patient = replace(PATIENT, settings=Settings(**changes), environment=environment)
    return list(settings.look(patient))


BROKEN: list[dict[str, Any]] = [
    {"queue_prefix": "x" * 200},
    {"orphan_seconds": 2.0},
    {"orphan_seconds": 5.0},
    {"stop_seconds": 30.0},
    {"answer_seconds": 60.0},
    {"peer_wait_seconds": 3.0},
    {"peer_calls": 8},
    {"max_answer_bytes": 20_000_000},
    {"max_json_depth": 100},
    {"limits": Limits(variable_bytes=100_000)},
    {"prometheus_endpoint": "/metrics"},
    {"stacked_reference_types": "conversation, call"},
]


def test_defaults_contradict_nothing() -> None:
    """Neither each other nor the rules."""
    assert of_settings({}) == [well("no contradiction")]


def test_every_rule_is_tried() -> None:
    """One example for each."""
    assert len(BROKEN) == len(RULES)


@pytest.mark.parametrize(("number", "changes"), list(enumerate(BROKEN)))
def test_contradictions_are_told(number: int, changes: dict[str, Any]) -> None:
    """Each by its own rule, with what to do."""
    assert of_settings({}, **changes) == [RULES[number].finding]
    assert RULES[number].finding.advice


def test_a_mistyped_variable_is_told() -> None:
    """With the name that may be meant; variables of others and those that are no settings are passed over."""
    known = {"FLOWMANAGER_THREADS": "4", "FLOWMANAGER_EMBEDDED_FOLDER": "/x", "PATH": "/bin"}
    assert of_settings(known) == [well("no contradiction")]
    (found,) = of_settings({"FLOWMANAGER_THREAD": "4"})
    assert (found.found, found.advice) == (
        "FLOWMANAGER_THREAD is not a setting and is not read",
        "is FLOWMANAGER_THREADS meant?",
    )


@pytest.mark.parametrize(("apart", "level"), [(0.0, "ok"), (-1.9, "ok"), (2.1, "warn"), (-2.1, "warn")])
def test_clocks_may_be_two_seconds_apart(apart: float, level: str) -> None:
    """In both directions."""
    assert judged(apart).level == level


@pytest.mark.parametrize(
    ("product", "version", "level"),
    [
        ("MySQL", "8.0.11", []),
        ("MySQL", "9.2.0", []),
        ("MySQL", "5.7.44-log", ["fail"]),
        ("MariaDB", "10.11.6-MariaDB", []),
        ("MariaDB", "10.5.1-MariaDB", ["fail"]),
    ],
)
def test_old_servers_are_not_supported(product: str, version: str, level: list[str]) -> None:
    """Their versions are read whatever stands behind the numbers."""
    assert levels(support(product, version)) == level


GOOD_SESSION = {"time_zone": "+00:00", "sql_mode": "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"}


@pytest.mark.parametrize(
    ("changes", "isolation", "number"),
    [
        ({}, "READ-COMMITTED", 0),
        ({}, "REPEATABLE-READ", 1),
        ({"time_zone": "SYSTEM"}, "READ-COMMITTED", 1),
        ({"sql_mode": ""}, "READ-COMMITTED", 1),
    ],
)
def test_sessions_that_lost_their_settings_are_told(changes: dict[str, str], isolation: str, number: int) -> None:
    """As behind a proxy that shares connections."""
    assert levels(unlike({**GOOD_SESSION, **changes}, isolation)) == ["fail"] * number


@pytest.mark.parametrize(
    ("found", "number"),
    [
        ({}, 0),
        ({"log_bin": "OFF", "binlog_format": "STATEMENT"}, 0),
        ({"log_bin": "ON", "binlog_format": "ROW", "sysdate_is_now": "OFF"}, 0),
        ({"log_bin": "ON", "binlog_format": "STATEMENT"}, 1),
        ({"sysdate_is_now": "ON"}, 1),
    ],
)
def test_servers_that_do_not_go_with_us_are_told(found: dict[str, str], number: int) -> None:
    """By their variables."""
    assert levels(unfit(found)) == ["fail"] * number


def test_tables_that_were_copied_otherwise_are_told() -> None:
    """By engine and collation."""
    assert levels(faults_of("flows", "InnoDB", "utf8mb4_bin")) == []
    assert levels(faults_of("flows", "MyISAM", "latin1_swedish_ci")) == ["fail", "fail"]


def run(*arguments: str, **environment: str) -> Any:
    """Call the doctor on the command line."""
    return CliRunner().invoke(main, ["doctor", *arguments], env=environment)


def test_without_settings_it_says_what_to_set() -> None:
    """Status 1, an example for each."""
    ended = run()
    assert ended.exit_code == 1
    assert "RABBITMQ_ADDRESS is not set" in ended.output
    assert "→ an example: mysql://" in ended.output


def test_a_setting_that_cannot_be_read_is_a_finding() -> None:
    """The first one ends the round."""
    ended = run("--json", FLOWMANAGER_THREADS="many")
    assert ended.exit_code == 1
    (found,) = orjson.loads(ended.output)["checks"]
    assert (found["name"], found["level"]) == ("settings", "fail")
    assert found["found"].startswith("FLOWMANAGER_THREADS must be")


@pytest.mark.parametrize(
    "environment",
    [
        {
            "RABBITMQ_ADDRESS": f"amqp://u:{SECRET}@nowhere.invalid:1//",
            "DATABASE_DSN": f"mysql://u:{SECRET}@nowhere.invalid/d",
        },
        {"RABBITMQ_ADDRESS": f"kafka://u:{SECRET}@h", "DATABASE_DSN": f"u:{SECRET}@tcp(h:1:2)/d"},
        {"RABBITMQ_ADDRESS": f"amqp://u:{SECRET}/x@h/", "DATABASE_DSN": f"oracle://u:{SECRET}@h/d"},
    ],
)
def test_passwords_are_never_shown(environment: dict[str, str]) -> None:
    """Neither in what is found nor in what to do."""
    for arguments in ((), ("--json",)):
        ended = run(*arguments, **environment)
        assert ended.exit_code == 1
        assert SECRET not in ended.output


def test_an_embedded_installation_is_looked_at(tmp_path: Path) -> None:
    """Its file; what needs servers is not. A file that is not there is not made."""
    ended = run("--embedded", "--json", FLOWMANAGER_EMBEDDED_FOLDER=str(tmp_path))
    assert ended.exit_code == 1
    assert list(tmp_path.iterdir()) == []
    assert (
        CliRunner()
        .invoke(main, ["migrate", "--embedded"], env={"FLOWMANAGER_EMBEDDED_FOLDER": str(tmp_path)})
        .exit_code
        == 0
    )
    ended = run("--embedded", "--json", FLOWMANAGER_EMBEDDED_FOLDER=str(tmp_path))
    assert ended.exit_code == 0, ended.output
    found = {one["name"]: one["level"] for one in orjson.loads(ended.output)["checks"]}
    assert {found[name] for name in ("broker", "database", "migrations", "orphans", "outbox", "timers")} == {"ok"}
    assert {level for name, level in found.items() if name.startswith(("broker-", "database-"))} == {Level.SKIP.value}
    assert found["workers"] == "warn"


def test_the_page_shows_checks_and_advice_that_exist() -> None:
    """docs/operations.md shows three findings that never come together."""
    [shown] = [block.text for block in below(ROOT / "docs" / "operations.md", "## The doctor") if block.kind == "text"]
    lines = shown.splitlines()
    names = {line.split()[1] for line in lines if "→" not in line}
    source = "".join(path.read_text() for path in (ROOT / "flowmanager" / "doctor").glob("*.py"))
    assert names < {one.name for one in all_checks()}
    assert [line.partition("→ ")[2] in source for line in lines if "→" in line] == [True, True]
