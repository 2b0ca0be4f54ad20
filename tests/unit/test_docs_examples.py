"""Every example of every page is judged: typed by a test, or read here; what nobody can run is counted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import orjson
import pytest
import yaml

from flowmanager.cli import main
from tests.documents import PAGES, ROOT, Block, blocks, missing
from tests.e2e.test_docs import FOLLOWED

TYPED_ELSEWHERE = {"simulate.md": "tests/simulate/test_docs.py", "trace.md": "tests/integration/test_trace_command.py"}
"""Pages whose commands another test types."""

NOT_TYPED = {
    "docker": "no container engine where the tests run",
    "kubectl": "no cluster",
    "rabbitmqctl": "changes the broker of all tests",
    "make": "make itself: tests/unit/test_docs.py holds the names of its targets; the tutorial types make demo",
    "eval": "with make services-up",
    "export": "with make services-up",
    "python": "tests/unit/test_settings.py compares the file with what is written",
}
"""First words of the commands that no test types, and why."""

EXAMPLES = [block for page in PAGES for block in blocks(page)]


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command of a block."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.split(" > ")[0], comments=True)
        if words:
            yield [Path(words[0]).name, *words[1:]]


def untyped() -> list[Block]:
    """The blocks of commands that no other test types."""
    typed = {*FOLLOWED, *(f"docs/{name}" for name in TYPED_ELSEWHERE)}
    return [one for one in EXAMPLES if one.kind == "sh" and str(one.page.relative_to(ROOT)) not in typed]


def check_arguments(words: list[str]) -> None:
    """Read the arguments of a command as it would itself, without running it. Raises ClickException."""
    group: click.Command = main
    context = click.Context(main, **main.context_settings)
    while isinstance(group, click.Group):
        found = group.get_command(context, words[0])
        assert found, words
        group, words = found, words[1:]
    group.make_context("flowmanager", words, parent=context)


def test_no_example_is_overlooked() -> None:
    """Each fence of each page is found by the pattern that the tests use."""
    for page in PAGES:
        assert page.read_text().count("\n```") == 2 * len(blocks(page)), page


@pytest.mark.parametrize("block", untyped(), ids=lambda block: block.place)
def test_a_command_that_nobody_types_can_be_typed(block: Block) -> None:
    """Its options and arguments exist; what is not ours is listed above."""
    for words in commands(block):
        if words[0] == "flowmanager":
            check_arguments(words[1:])
        else:
            assert words[0] in NOT_TYPED, f"{block.place}: {words}"


def test_what_nobody_types_is_little() -> None:
    """And nothing is excused that is not there."""
    words = [line[0] for block in untyped() for line in commands(block) if line[0] != "flowmanager"]
    assert set(words) == set(NOT_TYPED)
    assert len(words) <= 14


@pytest.mark.parametrize("block", [one for one in EXAMPLES if one.kind in ("json", "yaml")], ids=lambda one: one.place)
def test_an_example_can_be_read(block: Block) -> None:
    """As what it says that it is."""
    assert (orjson.loads if block.kind == "json" else yaml.safe_load)(block.text)


@pytest.mark.parametrize(
    ("shown", "output", "expected"),
    [
        ("a 12 ms\n…\nb", "a 1.5 s\nx\nb", ""),
        ("b\na", "a\nb", "a"),
        ("goes … home", "goes slowly home", ""),
        ("12 actions", "13 actions", "12 actions"),
    ],
)
def test_what_a_page_shows_is_compared(shown: str, output: str, expected: str) -> None:
    """Order, words and numbers count; ids, times and lengths of time do not."""
    assert missing(shown, output) == expected
