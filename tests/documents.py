"""The examples of the documents: found, written as files, run in a shell, compared with what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.broker_room import eventually

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?:`([\w.-]+)`:\n\n)?^```([\w ]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONG = ("flowmanager serve", "flowmanager stub-managers", "flowmanager events")
"""Commands that do not end: each has a terminal of its own."""
SHOWN_FOLDER = "/tmp/flowmanager-1000"
SECONDS = 90.0

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CLOCK = re.compile(r"\d{4}-\d\d-\d\d|\d\d-\d\d (?=\d\d:)|T?\d\d:\d\d(:\d\d)?(\.\d+)?Z?")
LENGTH = re.compile(r"(\d+(\.\d+)? (ms|s|min|h|d)\b ?)+")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced part of a page. `name`: that of the file it is, or empty."""

    page: Path
    line: int
    name: str
    kind: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.page.name}:{self.line}"

    @property
    def stays(self) -> bool:
        """Whether it is a command that does not end by itself."""
        return self.kind == "sh" and self.text.startswith(LONG) and "--seconds" not in self.text


def blocks(page: Path) -> list[Block]:
    """The fenced parts of a page, the first one first."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, one.start(3)), one[1] or "", one[2], one[3]) for one in BLOCK.finditer(text)
    ]


def plain(line: str) -> str:
    """A line without what differs from run to run: ids, times, lengths of time; spaces count once."""
    for pattern, instead in ((UUID, "#"), (CLOCK, "00"), (LENGTH, "0 s "), (re.compile(r"\d+\.\d+"), "0")):
        line = pattern.sub(instead, line)
    return " ".join(line.split())


def fits(shown: str, found: str) -> bool:
    """Whether a line is what the page shows; … there stands for anything."""
    pattern = ".*".join(re.escape(plain(part)) for part in shown.split("…"))
    return re.search(pattern, plain(found)) is not None


def missing(shown: str, output: str) -> str:
    """The first line of a page that is not in an output, or not in this order; empty when all are."""
    left = iter(output.splitlines())
    wanted = (line for line in shown.splitlines() if line.strip(" …"))
    return next((line for line in wanted if not any(fits(line, found) for found in left)), "")


@dataclass
class Terminals:
    """A reader at work: types the commands of a page, in one folder, with one shell after the other."""

    folder: Path
    embedded: Path
    running: list[tuple[str, subprocess.Popen[bytes], Path]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the folder look like that of the project, installed."""
        self.folder.mkdir()
        (self.folder / ".venv").symlink_to(sys.prefix)
        (self.folder / "Makefile").symlink_to(ROOT / "Makefile")
        (self.folder / "scripts").mkdir()
        (self.folder / "scripts" / "venv").write_text("#!/bin/sh\n")
        (self.folder / "scripts" / "venv").chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """That of every shell: no server is known."""
        without = {key: value for key, value in os.environ.items() if key not in ("RABBITMQ_ADDRESS", "DATABASE_DSN")}
        path = f"{self.folder}/.venv/bin:{os.environ['PATH']}"
        own = {"FLOWMANAGER_EMBEDDED_FOLDER": str(self.embedded), "PYTHONPATH": str(ROOT), "PATH": path}
        return {**without, **own}

    def run(self, command: str) -> tuple[int, str]:
        """Run a block in a shell that knows the variables of those before; return its status and output."""
        script = f"touch .shell; set -a; . ./.shell; {command}\nstatus=$?; export -p > .shell; exit $status"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout.decode().replace(str(self.embedded), SHOWN_FOLDER)

    def start(self, command: str) -> None:
        """Run a command that does not end in a terminal of its own."""
        out = self.folder / f".{len(self.running)}.out"
        with out.open("wb") as file:
            program = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
            )
        self.running.append((command.split()[1], program, out))

    def shows(self, name: str, shown: str, place: str) -> None:
        """Wait until a command that does not end has printed what the page shows."""
        [out] = [out for command, _, out in self.running if command == name]

        def found() -> bool:
            return not missing(shown, out.read_text().replace(str(self.embedded), SHOWN_FOLDER))

        with suppress(AssertionError):
            eventually(found, seconds=SECONDS)
        assert found(), f"{place}: not all of it found in\n\n{out.read_text()}"

    def close(self) -> None:
        """End what was started."""
        for _, program, _ in reversed(self.running):
            program.terminate()
            program.wait(SECONDS)


def follow(page: Path, terminals: Terminals) -> Iterator[Block]:
    """Do what a page says, block by block; yields the blocks that were used."""
    output, name = "", ""
    for block in blocks(page):
        if block.name:
            (terminals.folder / block.name).write_text(block.text)
        elif block.stays:
            name = block.text.split()[1]
            terminals.start(block.text)
        elif block.kind == "sh":
            name = ""
            status, output = terminals.run(block.text)
            assert status == 0, f"{block.place}: status {status}: {output}"
        elif block.kind.startswith("text"):
            name = block.kind.removeprefix("text").strip() or name
            if name:
                terminals.shows(name, block.text, block.place)
                name = ""
            else:
                line = missing(block.text, output)
                assert not line, f"{block.place}: {line}\n\nnot found, or not in this order, in\n\n{output}"
        yield block
