"""The documents are true: what they tell a reader to type is typed, and shows what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT
from tests.terminals import Terminals, follow

FOLLOWED = [
    "docs/tutorial.md",
    "docs/guarantees.md",
    "docs/how-to/write-a-flow.md",
    "docs/how-to/recover.md",
    "docs/how-to/replace-the-go-service.md",
]
"""Pages that are done from beginning to end, each in a folder of its own, with processes."""


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    made = Terminals(tmp_path / "project", tmp_path / "embedded")
    yield made
    made.close()


@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_can_be_followed(page: str, terminals: Terminals) -> None:
    """One command after the other, as a reader would."""
    assert [block for block in follow(ROOT / page, terminals) if block.kind == "sh"]


WRITTEN = (
    "docs/asyncapi.yaml",
    "docs/reference/messages.md",
    "docs/reference/actions.md",
    "docs/reference/commands.md",
    "config/flowmanager.env.example",
)
"""What `make contract` writes."""


def test_make_contract_changes_nothing_that_is_current(terminals: Terminals) -> None:
    """In a folder that has none of it yet: every file comes out as it is kept."""
    for path in WRITTEN:
        (terminals.folder / path).parent.mkdir(parents=True, exist_ok=True)
    assert terminals.run("make contract") == (0, "")
    made = [path for path in terminals.folder.rglob("*.*") if {"docs", "config"} & set(path.parts)]
    assert sorted(str(path.relative_to(terminals.folder)) for path in made) == sorted(WRITTEN)
    for path in WRITTEN:
        assert (terminals.folder / path).read_bytes() == (ROOT / path).read_bytes(), path


def test_make_contract_leaves_files_alone_when_it_fails(terminals: Terminals) -> None:
    """A program that does not start must not empty them."""
    (terminals.folder / "docs").mkdir()
    kept = terminals.folder / "docs" / "asyncapi.yaml"
    kept.write_text("as before")
    status, _ = terminals.run("PYTHONHOME=/nowhere make contract")
    assert (status != 0, kept.read_text(), [path.name for path in kept.parent.iterdir()]) == (
        True,
        "as before",
        ["asyncapi.yaml"],
    )
