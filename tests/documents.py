"""The examples of the documents, as every test reads them: blocks, commands in running text, what a page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?:`([\w-]+\.(?:json|yaml|py))`:\n\n)?^```([\w ]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPOKEN = re.compile(r"`((?:\.venv/bin/)?flowmanager [^`]+)`")
LONG = re.compile(r"(?:\.venv/bin/)?flowmanager (serve|stub-managers|events)\b(?!.*--seconds)")
"""Commands that do not end: each has a terminal of its own."""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SHORT = re.compile(r"(?<==)[0-9a-f]{8}(?=…|$)")
"""The beginning of an id."""
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
    def lines(self) -> list[str]:
        """Its commands, one each; a line that goes on behind a backslash is one."""
        return self.text.replace("\\\n", " ").strip().splitlines()

    @property
    def staying(self) -> str:
        """Its last command, when that does not end by itself; else empty."""
        return self.lines[-1] if self.kind == "sh" and LONG.match(self.lines[-1]) else ""

    def execute(self, names: dict[str, Any]) -> None:
        """Run it as Python, in this process. `names`: what it knows, and afterwards what it has made."""
        # The lines above keep the place in a traceback that of the page.
        exec(compile("\n" * self.line + self.text, str(self.page), "exec"), names)


def blocks(page: Path) -> list[Block]:
    """The fenced parts of a page, the first one first."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, one.start(3)), one[1] or "", one[2], one[3]) for one in BLOCK.finditer(text)
    ]


def code(page: Path, kind: str) -> list[Block]:
    """The fenced parts of one kind, those that are files left out."""
    return [one for one in blocks(page) if one.kind == kind and not one.name]


def below(page: Path, heading: str) -> list[Block]:
    """The fenced parts below a heading, up to the next heading."""
    lines = FENCE.sub(hidden, page.read_text()).splitlines()
    first = lines.index(heading)
    last = next((number for number in range(first + 1, len(lines)) if lines[number].startswith("#")), len(lines))
    return [one for one in blocks(page) if first < one.line < last]


def hidden(block: re.Match[str]) -> str:
    """As much text that says nothing."""
    return re.sub(r"[^\n]", ".", block[0])


def spoken(page: Path) -> Iterator[str]:
    """The commands in running text and tables, without those that are only named."""
    for found in SPOKEN.finditer(FENCE.sub(hidden, page.read_text())):
        command = " ".join(found[1].rstrip("…").split())
        if command.count(" ") > 1 or "--" in command:
            yield command


def plain(line: str) -> str:
    """A line without what differs from run to run: ids, times, lengths of time; spaces count once."""
    for pattern, instead in (
        (UUID, "#"),
        (SHORT, "#"),
        (CLOCK, "00"),
        (LENGTH, "0 s "),
        (re.compile(r"\d+\.\d+"), "0"),
    ):
        line = pattern.sub(instead, line)
    return " ".join(line.split())


def fits(shown: str, found: str) -> bool:
    """Whether a line is what the page shows; … there stands for anything."""
    pattern = ".*".join(re.escape(plain(part)) for part in shown.split("…"))
    return re.search(rf"(?<!\w){pattern}(?!\w)", plain(found)) is not None


def missing(shown: str, output: str) -> str:
    """The first line of a page that is not in an output, or not in this order; empty when all are."""
    left = iter(output.splitlines())
    wanted = (line for line in shown.splitlines() if line.strip(" …"))
    return next((line for line in wanted if not any(fits(line, found) for found in left)), "")
