"""The documents are true: what they tell a reader to type is typed, and shows what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import ROOT, Terminals, follow

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
