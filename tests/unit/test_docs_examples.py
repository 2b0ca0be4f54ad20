"""Every example of every page is judged: typed by a test, or read here; what nobody can type is counted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import orjson
import pytest
import yaml

from flowmanager.cli import main
from flowmanager.settings import Settings
from tests.documents import FENCE, PAGES, ROOT, Block, blocks, code, missing
from tests.e2e.test_docs import FOLLOWED

TYPED = {
    *FOLLOWED,
    "README.md",  # tests/e2e/test_pages_on_servers.py
    "docs/operations.md",  # the same; the command for rabbitmqctl: tests/integration/test_broker_alarm.py
    "docs/how-to-add.md",  # tests/e2e/test_how_to_add.py
    "docs/simulate.md",  # tests/simulate/test_docs.py
    "docs/trace.md",  # tests/integration/test_trace_command.py
}
"""Pages whose commands are typed by a test."""

NOT_TYPED = {
    "docker": "no container engine where the tests run; tests/unit/test_containers.py reads the files",
    "kubectl": "no cluster; tests/unit/test_containers.py holds the manifests to the schemas of Kubernetes",
}
"""First words of the commands that no test types, and why."""

STARTED = re.compile(r"(run: |entry: |ExecStart=\S*/)(flowmanager .+)")
"""A command in a file for another program."""
NAMED = re.compile(r"`flowmanager ([a-z-]+)[ `]")
"""A command in running text."""
EXAMPLES = [block for page in PAGES for block in blocks(page)]


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command of a block."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.split(" > ")[0], comments=True)
        if words:
            yield [Path(words[0]).name, *words[1:]]


def untyped() -> list[Block]:
    """The blocks of commands that no other test types."""
    return [one for one in EXAMPLES if one.kind == "sh" and str(one.page.relative_to(ROOT)) not in TYPED]


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


def ours(words: list[str]) -> list[str]:
    """The part of a command that our program reads: docker and others may start it."""
    return words[words.index("flowmanager") + 1 :] if "exec" in words else []


@pytest.mark.parametrize("block", untyped(), ids=lambda block: block.place)
def test_what_nobody_types_is_excused(block: Block) -> None:
    """It is listed above; what it hands to our program can be typed."""
    for words in commands(block):
        assert words[0] in NOT_TYPED, f"{block.place}: {words}"
        if found := ours(words):
            check_arguments(found)


def started_by_others() -> list[str]:
    """The commands that files for other programs hold, with a file where those give one."""
    text = "\n".join(one.text for one in EXAMPLES if one.kind in ("yaml", "ini"))
    return [f"{found[2]} flow.json" if found[1] == "entry: " else found[2] for found in STARTED.finditer(text)]


@pytest.mark.parametrize("command", started_by_others())
def test_a_command_that_another_program_starts_can_be_typed(command: str) -> None:
    """By systemd, a CI, a hook of git."""
    check_arguments(shlex.split(command.partition(" > ")[0], comments=True)[1:])


def test_systemd_waits_as_long_as_a_worker_may_take() -> None:
    """Else work in hand is killed; see FLOWMANAGER_STOP_SECONDS."""
    [unit] = code(ROOT / "docs" / "deployment.md", "ini")
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", unit.text, re.MULTILINE)
    assert int(seconds) >= Settings().stop_seconds + 5
    assert len(started_by_others()) == 3


def test_what_nobody_types_is_little() -> None:
    """And nothing is excused that is not there."""
    words = [line[0] for block in untyped() for line in commands(block)]
    assert set(words) == set(NOT_TYPED)
    assert len(words) <= 7


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_running_text_exist(page: Path) -> None:
    """Those with arguments are typed by tests/e2e/test_pages_on_servers.py."""
    for name in NAMED.findall(FENCE.sub("", page.read_text())):
        assert main.get_command(click.Context(main), name), f"{page.name}: flowmanager {name}"


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
        ("2 actions", "12 actions", "2 actions"),
        ("1 action", "1 actions", "1 action"),
    ],
)
def test_what_a_page_shows_is_compared(shown: str, output: str, expected: str) -> None:
    """Order, words and numbers count; ids, times and lengths of time do not."""
    assert missing(shown, output) == expected
