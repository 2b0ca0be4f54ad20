"""docs/how-to-add.md is true: everything it adds is added to a copy of the project, whose tests then pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from tests.documents import FENCE, ROOT, Block, blocks
from tests.services import Services

PAGE = ROOT / "docs" / "how-to-add.md"
COPIED = ("flowmanager", "tests", "docs", "config", "scripts")
FILES = ("README.md", "CHANGELOG.md", "LICENSE", "Makefile", "setup.cfg", "setup.py", "pyproject.toml")
PATH = re.compile(r"`([\w/]+\.py)`")
SECONDS = 180.0

BEHIND = {
    '    "variable_default"': ("tests/unit/test_executors.py", "TYPES: dict[str, tuple[Kind, Media, OnError]] = {\n"),
    "GET    /v1/activeflows/ID/executed_actions": ("tests/unit/test_route.py", 'EVERY = """\n'),
    "    (\n        own(": ("tests/unit/test_subscriptions.py", "\nCASES: "),
    "    fetch_seconds": ("flowmanager/settings.py", '    fetch_allowed_networks: str = ""\n'),
    "    flows_listed": ("flowmanager/metrics.py", "    flow_crud: Counter = counter("),
    '    Column("label"': ("flowmanager/store/tables.py", '    Column("name", String(255), nullable=False),\n'),
}
"""Parts of files, by how they begin: the file, and the line behind which they are put."""

SAID = (
    ("tests/unit/test_stub_managers.py", 'names = "ai call', 'names = "ai billing call'),
    ("flowmanager/schemas/answers.py", '    "count": [{"count": 3}],\n', '    "count": [{"count": 3}],\n    STEP,\n'),
    ("flowmanager/schemas/answers.py", "    stacks_wire,\n", "    stacks_wire,\n    step_wire,\n"),
    ("flowmanager/schemas/meanings.py", '    "count": ', '    MEANING,\n    "count": '),
    (
        "docs/operations.md",
        "| `FLOWMANAGER_MAX_FLOWS` |",
        "| `FLOWMANAGER_FETCH_SECONDS` | `3` | As above. |\n| `FLOWMANAGER_MAX_FLOWS` |",
    ),
    (
        "docs/operations.md",
        "| `flow_manager_flow_crud_total` |",
        "| `flow_manager_flows_listed_total` | | As above. |\n| `flow_manager_flow_crud_total` |",
    ),
)
"""What is only told in words: the file, what stands there, what stands there afterwards."""

HOLD = (
    "tests/unit/executors/test_variable_default.py",
    "tests/integration/test_executed_actions.py",
    "tests/unit/test_billing_manager.py",
    "tests/unit/test_fetch_seconds.py",
    "tests/integration/test_count_flows.py",
    "tests/unit/test_executors.py",
    "tests/unit/test_route.py",
    "tests/unit/test_subscriptions.py",
    "tests/unit/test_stub_managers.py::test_all_managers_that_flow_manager_asks_are_there",
    "tests/unit/test_settings.py",
    "tests/unit/test_contract.py",
    "tests/unit/test_versions.py",
    "tests/unit/test_docs.py",
    "tests/contract/test_store_migrations.py",
)
"""The tests that the page names, and those that fail while something is missing."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project, before anything is added."""
    made = tmp_path / "project"
    for name in COPIED:
        copytree(ROOT / name, made / name, ignore=ignore_patterns("__pycache__"))
    for name in FILES:
        (made / name).write_bytes((ROOT / name).read_bytes())
    (made / ".venv").symlink_to(sys.prefix)
    return made


def before(block: Block) -> str:
    """The text between a block and the one before it."""
    text = "\n".join(PAGE.read_text().splitlines()[: block.line - 1])
    return FENCE.split(text)[-1]


def put(path: Path, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path}: {old}"
    path.write_text(text.replace(old, new))


def add(copy: Path, block: Block) -> None:
    """Do what a block of the page says."""
    if block.name:
        (copy / "flowmanager/store/migrations/versions" / block.name).write_text(block.text)
    elif block.text.startswith('"""'):
        (copy / PATH.findall(before(block))[-1]).write_text(block.text)
    elif block.text.startswith("from flowmanager.managers.billing_manager"):
        add_to_managers(copy / "flowmanager/managers/managers.py", *block.text.splitlines(keepends=True))
    elif block.text.lstrip().startswith("web="):
        put(
            copy / "flowmanager/bootstrap.py",
            "        web=Web(allowed=networks(settings.fetch_allowed_networks)),\n",
            block.text,
        )
    elif block.kind != "sh":
        [(path, line)] = [place for begin, place in BEHIND.items() if block.text.startswith(begin)]
        insert(copy / path, line, block.text)


def insert(path: Path, line: str, part: str) -> None:
    """Put a part behind a line that stands once in a file, given by its beginning; a setting goes before its line."""
    text = path.read_text()
    assert text.count(line) == 1, f"{path}: {line}"
    place = text.index(line) if path.name == "settings.py" else text.index("\n", text.index(line) + 1) + 1
    path.write_text(text[:place] + part + text[place:])


def add_to_managers(path: Path, imported: str, field: str, made: str) -> None:
    """Put each of three lines before that of call-manager."""
    put(path, "from flowmanager.managers.call_manager", f"{imported}from flowmanager.managers.call_manager")
    put(path, "    call: CallManager\n", f"{field}    call: CallManager\n")
    put(path, "            call=CallManager(calls),\n", f"{made}            call=CallManager(calls),\n")


def run(copy: Path, command: str, services: Services) -> None:
    """Run a command in the copy; it must go well."""
    addresses = {"TEST_DATABASE_DSN": services.database_dsn, "TEST_RABBITMQ_ADDRESS": services.rabbitmq_address}
    without = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=copy,
        env={**without, **addresses, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_can_be_followed(copy: Path, services: Services) -> None:
    """All of it, in one copy: one thing added does not disturb another."""
    for block in blocks(PAGE):
        add(copy, block)
    [record] = re.findall(r'`("step": \[.*?\])`', PAGE.read_text())
    [meaning] = re.findall(r'`("cause": .*?)`', PAGE.read_text())
    for path, old, new in SAID:
        put(copy / path, old, new.replace("STEP", record).replace("MEANING", meaning))
    for block in blocks(PAGE):
        if block.kind == "sh":
            run(copy, block.text, services)
    run(copy, f".venv/bin/python -m pytest -q -n 0 -p no:cacheprovider {' '.join(HOLD)}", services)
    found = """echo '[{"type": "talk"}]' | .venv/bin/flowmanager lint - | grep 'this talk says nothing .silent-talk.'"""
    run(copy, found, services)
