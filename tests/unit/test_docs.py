"""What the documents name exists: files, headings, settings, make targets, metrics, log events."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from flowmanager.core.limits import Limits
from flowmanager.metrics import NAMESPACE, Metrics
from flowmanager.settings import Settings, limit_variable_of, variable_of
from tests.unit.settings_example import shown

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPERATIONS = ROOT / "docs" / "operations.md"

SETTINGS = {variable_of(one.name) for one in fields(Settings) if one.name != "limits"}
LIMITS = {limit_variable_of(one.name) for one in fields(Limits)}
SERVERS = {"FLOWMANAGER_SERVICES_DIR", "FLOWMANAGER_MYSQLD", "FLOWMANAGER_RABBITMQ_SERVER"}
ELSEWHERE = {"FLOWMANAGER_EMBEDDED_FOLDER", *SERVERS}
"""Variables that are not read by `settings.py`."""

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"\bFLOWMANAGER_[A-Z_]*[A-Z]\b")
TARGET = re.compile(r"(?:`|^)make ([a-z][a-z-]*)", re.MULTILINE)
METRIC = re.compile(rf"\b{NAMESPACE}_[a-z_]+\b")
LOGGED = re.compile(r"log\.(?:info|warning|error|exception)\(\s*\"([a-z_]+)\"")

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def prose(document: Path) -> str:
    """A document without its code."""
    return FENCE.sub("", document.read_text())


def anchors(document: Path) -> set[str]:
    """The headings of a document as links name them."""
    return {re.sub(r"[^\w -]", "", heading).lower().strip().replace(" ", "-") for heading in headings(document)}


def headings(document: Path) -> list[str]:
    return HEADING.findall(prose(document))


def rows(heading: str) -> list[list[str]]:
    """The cells of each line of the table below a heading of operations.md."""
    section = OPERATIONS.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = (line.split("|") for line in section.splitlines() if line.startswith("| `"))
    return [[cell.strip() for cell in cells[1:-1]] for cells in lines]


def words(cell: str) -> list[str]:
    """The code words of a cell."""
    return re.findall(r"`([^`]+)`", cell)


def listed(heading: str) -> set[str]:
    """The code words in the first column of that table."""
    return {word for cell, *_ in rows(heading) for word in words(cell)}


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link names a file that is there, and a heading that is in it."""
    for link in LINK.findall(prose(document)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@every_document
def test_settings_that_are_named_exist(document: Path) -> None:
    """A line of how-to-add may speak of a setting that its reader is about to add."""
    assert set(VARIABLE.findall(prose(document))) - ELSEWHERE <= SETTINGS | LIMITS


def test_the_table_of_settings_is_complete() -> None:
    """It lists every setting and limit, and nothing else."""
    assert listed("Settings") - ELSEWHERE == SETTINGS | LIMITS


def test_the_table_of_settings_has_the_defaults() -> None:
    """One follows from another setting."""
    known = {variable_of(one.name): one.default for one in fields(Settings) if one.name != "limits"}
    known |= {limit_variable_of(one.name): one.default for one in fields(Limits)}
    told = {words(name)[0]: default for name, default, _ in rows("Settings")}
    wrong = {name for name, value in known.items() if told[name] != (f"`{shown(value)}`" if shown(value) else "empty")}
    assert wrong == {"FLOWMANAGER_PEER_CALLS"}


@every_document
def test_make_targets_that_are_named_exist(document: Path) -> None:
    """In text and in code."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall(document.read_text())) <= targets


def metric_names() -> set[str]:
    """The names of all metrics as the metrics page shows them."""
    found = Metrics().registry.collect()
    return {one.name + ("_total" if one.type == "counter" else "") for one in found}


def test_the_table_of_metrics_is_complete() -> None:
    """It lists every metric, and no document names another."""
    assert {name for name in listed("Metrics") if name.startswith(NAMESPACE)} == metric_names()
    assert {name for document in DOCUMENTS for name in METRIC.findall(document.read_text())} <= metric_names()


def test_the_table_of_metrics_has_the_labels() -> None:
    """In their order."""
    made = [one for one in vars(Metrics()).values() if isinstance(one, MetricWrapperBase)]
    known = {next(iter(one.describe())).name: list(one._labelnames) for one in made}
    told = {words(name)[0].removesuffix("_total"): words(labels) for name, labels, _ in rows("Metrics")}
    assert {name: told[name] for name in known} == known
    assert len(known) == len(metric_names())


def test_the_table_of_log_events_is_complete() -> None:
    """It lists every event that a worker logs; clients and stub managers log for themselves."""
    source = ROOT / "flowmanager"
    workers = [path for path in source.rglob("*.py") if not {"client", "stub_managers"} & set(path.parts)]
    logged = {name for path in workers for name in LOGGED.findall(path.read_text())}
    assert listed("Logs") - {"case_note_failed"} == logged
