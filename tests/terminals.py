"""A reader at work: types what the documents say, in a folder of its own, and compares what comes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.broker_room import eventually
from tests.documents import LONG, ROOT, Block, blocks, missing

SHOWN_FOLDER = "/tmp/flowmanager-1000"
SECONDS = 90.0
NOT_TAKEN = frozenset(("RABBITMQ_ADDRESS", "DATABASE_DSN", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"))
"""Variables of this process that a reader's shell has not: these tests may be run by make themselves."""
STUBS = ("venv", "test", "services")
"""Scripts that are not run: they would install packages or servers, or begin these tests again."""


@dataclass
class Terminals:
    """Types the commands of a page, in one folder, with one shell after the other."""

    folder: Path
    embedded: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of every shell: where the servers are. Without them no server is known."""
    instead: dict[str, str] = field(default_factory=dict)
    """Words of a page, and what they are here: each test has names of its own on the broker."""
    running: list[tuple[str, subprocess.Popen[bytes], Path]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the folder look like that of the project, installed."""
        self.folder.mkdir()
        (self.folder / ".venv").symlink_to(sys.prefix)
        (self.folder / "Makefile").symlink_to(ROOT / "Makefile")
        (self.folder / "scripts").mkdir()
        for name in STUBS:
            self.script(name, "")
        self.instead[SHOWN_FOLDER] = str(self.embedded)

    def script(self, name: str, text: str) -> None:
        """Write one of the project's scripts."""
        path = self.folder / "scripts" / name
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """That of every shell: no server is known."""
        without = {key: value for key, value in os.environ.items() if key not in NOT_TAKEN}
        path = f"{self.folder}/.venv/bin:{os.environ['PATH']}"
        own = {"FLOWMANAGER_EMBEDDED_FOLDER": str(self.embedded), "PYTHONPATH": str(ROOT), "PATH": path}
        return {**without, **own, **self.settings}

    def here(self, text: str) -> str:
        """What a page says, with the names of this place."""
        for shown, own in self.instead.items():
            text = text.replace(shown, own)
        return text

    def shown(self, text: str) -> str:
        """What is found, with the names of the page."""
        for shown, own in self.instead.items():
            text = text.replace(own, shown)
        return text

    def run(self, commands: str) -> tuple[int, str]:
        """Run commands up to the first that fails, in a shell that knows the variables of those before.

        Whoever asks is answered with a yes. Returns status and output.
        """
        keep = "trap 'status=$?; export -p > .shell; exit $status' EXIT"
        done = subprocess.run(
            ["bash", "-c", f"touch .shell; set -a; . ./.shell; {keep}; set -e\n{self.here(commands)}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            input=b"y\n",
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, self.shown(done.stdout.decode())

    def start(self, command: str) -> None:
        """Run a command that does not end in a terminal of its own."""
        out = self.folder / f".{len(self.running)}.out"
        with out.open("wb") as file:
            program = subprocess.Popen(
                ["bash", "-c", f"touch .shell; set -a; . ./.shell; exec {self.here(command)}"],
                cwd=self.folder,
                env=self.environment,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
            )
        self.running.append((named(command), program, out))

    def shows(self, name: str, shown: str, place: str) -> None:
        """Wait until a command that does not end has printed what the page shows."""
        [out] = [out for command, _, out in self.running if command == name]

        def found() -> bool:
            return not missing(shown, self.shown(out.read_text()))

        with suppress(AssertionError):
            eventually(found, seconds=SECONDS)
        assert found(), f"{place}: not all of it found in\n\n{out.read_text()}"

    def close(self) -> None:
        """End what was started."""
        for _, program, _ in reversed(self.running):
            program.terminate()
            program.wait(SECONDS)


def named(command: str) -> str:
    """Which command it is that does not end."""
    found = LONG.match(command)
    assert found, command
    return found[1]


def follow(page: Path, terminals: Terminals, *, without: tuple[str, ...] = ()) -> Iterator[Block]:
    """Do what a page says, block by block; yields the blocks that were used.

    `without`: how those blocks begin that this reader passes over. What is shown before the first command is no output.
    """
    output: str | None = None
    name = ""
    for block in [one for one in blocks(page) if not one.text.startswith(without)]:
        if block.name:
            (terminals.folder / block.name).write_text(block.text)
        elif block.kind == "sh":
            output, name = typed(block, terminals)
        elif block.kind == "python":
            (terminals.folder / ".example.py").write_text(terminals.here(block.text))
            output, name = done("python .example.py", block, terminals), ""
        elif block.kind.startswith("text") and output is not None:
            compare(block, terminals, output, block.kind.removeprefix("text").strip() or name)
            name = ""
        yield block


def typed(block: Block, terminals: Terminals) -> tuple[str, str]:
    """Type the commands of a block; return their output, and the name of the one that does not end."""
    ending = block.lines[:-1] if block.staying else block.lines
    output = done("\n".join(ending), block, terminals) if ending else ""
    if not block.staying:
        return output, ""
    terminals.start(block.staying)
    return output, named(block.staying)


def done(commands: str, block: Block, terminals: Terminals) -> str:
    """Run commands that must go well; return their output."""
    status, output = terminals.run(commands)
    assert status == 0, f"{block.place}: status {status}: {output}"
    return output


def compare(block: Block, terminals: Terminals, output: str, name: str) -> None:
    """See that what a page shows is in the output, or in what the command of that name prints, sooner or later."""
    if name:
        terminals.shows(name, block.text, block.place)
        return
    line = missing(block.text, output)
    assert not line, f"{block.place}: {line}\n\nnot found, or not in this order, in\n\n{output}"
