"""`scripts/audit.py` fails for a known vulnerability, and never calls something well that nobody has looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit.py"
ANSWERS = {
    "well": """{"name": name, "version": version, "vulns": []}""",
    "vulnerable": """{"name": name, "version": version, "vulns": [{"id": "CVE-1"}] if name == "click" else []}""",
    "nobody": """{"name": name, "skip_reason": "not found"}""",
    "in part": """{"name": name, **({"skip_reason": "not found"} if name == "click" else
        {"version": version, "vulns": []})}""",
}
STAND_IN = """
import json, sys
def one(line):
    name, version = line.strip().split("==")
    return {answer}
print(json.dumps({{"dependencies": [one(line) for line in sys.stdin if line.strip()]}}))
"""


def audit(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a program in the place of pip-audit."""
    stand_in = folder / "stand_in.py"
    stand_in.write_text(program)
    arguments = ["--cache", str(folder / "cache"), "--command", sys.executable, str(stand_in)]
    # What follows --command is that program; the script's own options come first.
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ("well", 0, "audit: no known vulnerabilities in "),
        ("vulnerable", 1, "audit: click=="),
        ("nobody", 0, "packages could not be audited: no answer (pypi: not found"),
        ("in part", 0, "packages could not be audited: no answer, such as click=="),
    ],
)
def test_what_is_known_decides(tmp_path: Path, answer: str, status: int, said: str) -> None:
    """A second run, from what is kept, says and does the same, without asking again."""
    first = audit(tmp_path, STAND_IN.format(answer=ANSWERS[answer]))
    again = audit(tmp_path, "raise SystemExit('asked again')")
    for done in (first, again):
        assert done.returncode == status, done.stderr
        shown = (done.stdout + done.stderr).replace("osv: not found", "pypi: not found")
        assert said in shown
        assert ("no known vulnerabilities" in shown) == (answer == "well")


def test_a_program_that_breaks_is_no_answer(tmp_path: Path) -> None:
    """Its last line says why."""
    done = audit(tmp_path, "raise SystemExit('no route to host')")
    assert done.returncode == 0
    assert "could not be audited: no answer (osv: no route to host)" in done.stdout
