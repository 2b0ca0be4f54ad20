"""Every scenario recorded from the reference service comes out the same with us, or differs as it is documented."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from flowmanager.store.engine import Engines
from flowmanager.store.sql_store import SqlStore
from tests.broker_room import open_room
from tests.conformance.broker import stage
from tests.conformance.differences import DIFFERENCES
from tests.conformance.recording import Scenario, scenarios
from tests.conformance.replay import Difference, Peers, Replay
from tests.conformance.stages import Clock, DeskStage, RecordedOutside
from tests.conformance.tables import differing_rows
from tests.desk import Desk

SCENARIOS = scenarios()
SHORT = 10
DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"
ROW = re.compile(r'^\| <a id="([a-z-]+)"></a>.*\| ([^|]*) \|$', re.MULTILINE)


def named(scenario: Scenario) -> str:
    """The name of a test."""
    return scenario.name


def documented(scenario: Scenario) -> set[int]:
    """The steps that differ as it is documented."""
    return {number for one in DIFFERENCES.get(scenario.name, ()) for number in one.numbers}


def check(scenario: Scenario, found: Sequence[Difference]) -> None:
    """Expect the documented differences, all of them and no others."""
    expect_no_others(scenario, found)
    agreeing = documented(scenario) - {one.step for one in found}
    assert not agreeing, f"agrees now, take it out of the table: steps {sorted(agreeing)}"


def expect_no_others(scenario: Scenario, found: Sequence[Difference]) -> None:
    """Expect no differences but the documented ones."""
    surprises = [f"step {step}: {text}" for step, text in found if step not in documented(scenario)]
    assert not surprises, "\n".join([scenario.name, scenario.description, *surprises])


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.steps], ids=named)
def test_scenario(scenario: Scenario, empty_engines: Engines) -> None:
    """Its requests are answered alike, other managers are asked alike, and all is as the contract says."""
    peers = Peers()
    clock = Clock()
    desk = Desk(SqlStore(empty_engines), empty_engines, outside=RecordedOutside(peers), clock=clock)
    alone = DeskStage(desk, clock)
    check(scenario, Replay(alone, peers).play(scenario))
    alone.check_events()


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.table], ids=named)
def test_table(scenario: Scenario) -> None:
    """Each condition comes out alike."""
    check(scenario, differing_rows(scenario))


def test_over_rabbitmq_and_mysql(rabbitmq_address: str, fresh_database: str) -> None:
    """The same over a real broker: short scenarios, and all about other managers unless one of them is silent."""
    peers = Peers()
    with open_room(rabbitmq_address) as room, stage(room, fresh_database, peers) as played:
        for scenario in SCENARIOS:
            if not scenario.waits and (scenario.talks or 0 < len(scenario.steps) <= SHORT):
                expect_no_others(scenario, Replay(played, peers, alone=False).play(scenario))


def test_differences_are_those_of_known_scenarios() -> None:
    """A scenario that is renamed or removed takes its differences with it."""
    known = {one.name: {step.number for step in one.steps} or range(1, len(one.table) + 1) for one in SCENARIOS}
    for name, differences in DIFFERENCES.items():
        assert all(number in known[name] for one in differences for number in one.numbers)
        assert all(one.reason for one in differences)


def test_document_explains_exactly_these_differences() -> None:
    """Each section names the scenarios that show it, and each difference its section."""
    explained = {anchor: set(re.findall(r"\d+", numbers)) for anchor, numbers in ROW.findall(DOCUMENT.read_text())}
    shown: dict[str, set[str]] = {anchor: set() for anchor in explained}
    for name, differences in DIFFERENCES.items():
        for one in differences:
            shown[one.section].add(name[:3])
    assert explained == shown
