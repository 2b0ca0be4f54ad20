"""docs/simulate.md is true: its files are written, its commands run, its lines found in what is printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowmanager.cli import main
from flowmanager.simulation.script_reader import EXPECTATIONS, FIELDS
from flowmanager.simulation.script_steps import STEPS
from tests.documents import blocks

PAGE = Path(__file__).parents[2] / "docs" / "simulate.md"
TEXT = PAGE.read_text()
BLOCKS = blocks(PAGE)


def files(folder: Path) -> None:
    """Write the files that the page shows."""
    for block in BLOCKS:
        if block.name:
            (folder / block.name).write_text(block.text)


def commands() -> Iterator[tuple[str, list[str]]]:
    """The commands and the lines that the page shows of their output."""
    for block, following in pairwise(BLOCKS):
        if block.kind == "sh":
            yield block.text.strip(), following.text.splitlines() if following.kind == "text" else []


@pytest.mark.parametrize(("command", "lines"), list(commands()))
def test_a_command_prints_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, lines: list[str]
) -> None:
    """Line by line, in their order; … stands for what is left out."""
    files(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command, comments=True)
    assert words[0] == "flowmanager"
    shown = CliRunner().invoke(main, words[1:])
    assert shown.exit_code == (1 if "exit status 1" in command else 0), shown.output
    place = 0
    for line in (line for line in lines if line.strip() not in ("…", "")):
        found = shown.output.find(line, place)
        assert found >= 0, f"{line}\n\nnot found, or not in this order, in\n\n{shown.output}"
        place = found + len(line)


def test_the_example_test_passes(tmp_path: Path) -> None:
    """In a process of its own, as a reader would run it."""
    files(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_front_desk.py"]
    surroundings = {**os.environ, "PYTHONPATH": str(PAGE.parents[1])}
    done = subprocess.run(
        command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


@pytest.mark.parametrize("name", [*FIELDS, *STEPS, *EXPECTATIONS])
def test_every_entry_is_explained(name: str) -> None:
    """Nothing that a script can say is missing from the tables."""
    assert re.search(rf"`{name}[`:]", TEXT)
