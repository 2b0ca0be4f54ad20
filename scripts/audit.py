"""Look for known vulnerabilities in what is installed: pip-audit, with what it could not find out said plainly.

Exit status 0: none is known, or nobody answered, which is said; 1: some are known; 2: pip-audit failed in another way.
An answer is good for a day as long as nothing else is installed, that nobody answered for an hour; both are kept in
the folder given by --cache.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

SERVICES = ("pypi", "osv")
"""Asked one after the other until one knows every package."""
DAY_SECONDS = 86_400.0
HOUR_SECONDS = 3600.0
ANSWER_SECONDS = 5
WHOLE_SECONDS = 60.0
WHY_CHARACTERS = 160
OWN = "flowmanager"

Json = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit, say what was found, return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".audit_cache"))
    program = [sys.executable, "-m", "pip_audit"]
    parser.add_argument("--command", nargs=argparse.REMAINDER, default=program, help="another program than pip-audit")
    given = parser.parse_args(arguments)
    wanted = installed()
    known = remembered(given.cache, wanted)
    if known is None:
        known = ask(given.command, wanted)
        remember(given.cache, wanted, known)
    return told(known, len(wanted))


def installed() -> list[str]:
    """Return every installed distribution with its version, except this project itself."""
    found = {named(one.metadata["Name"], one.version) for one in distributions() if one.metadata["Name"]}
    return sorted(one for one in found if not one.startswith(f"{OWN}=="))


def named(name: str, version: str) -> str:
    """Return a package in the one spelling of its name."""
    return f"{re.sub('[-_.]+', '-', name).lower()}=={version}"


def ask(command: Sequence[str], wanted: Sequence[str]) -> Json:
    """Ask the services what is known of these packages; return what was found, and of which nobody said anything."""
    found: dict[str, list[str]] = {}
    unknown, why = set(wanted), ""
    for service in SERVICES:
        if not unknown:
            break
        answered, why = one_service(command, service, sorted(unknown), why)
        found |= {name: ids for name, ids in answered.items() if ids}
        unknown -= answered.keys()
    return {"found": found, "unknown": sorted(unknown), "why": why}


def one_service(command: Sequence[str], service: str, wanted: Sequence[str], before: str) -> tuple[Json, str]:
    """Return what one service knows of packages, and why it does not know the others."""
    listed = "\n".join(wanted)
    options = ["--vulnerability-service", service, "--timeout", str(ANSWER_SECONDS), "--format", "json"]
    quiet = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--requirement", "/dev/stdin"]
    try:
        whole = [*command, *options, *quiet]
        done = subprocess.run(whole, input=listed, capture_output=True, text=True, timeout=WHOLE_SECONDS, check=False)
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {}, f"{service} did not answer within {WHOLE_SECONDS:g} s"
    except json.JSONDecodeError:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        return {}, f"{service}: {lines[-1][:WHY_CHARACTERS]}"
    answered = {
        named(one["name"], one["version"]): [fault["id"] for fault in one["vulns"]]
        for one in answer["dependencies"]
        if "vulns" in one
    }
    skipped = [one["skip_reason"] for one in answer["dependencies"] if "skip_reason" in one]
    return answered, f"{service}: {skipped[0]}" if skipped else before


def told(known: Json, number: int) -> int:
    """Say what was found, and return the exit status."""
    for name, ids in known["found"].items():
        print(f"audit: {name} has known vulnerabilities: {', '.join(ids)}", file=sys.stderr)
    if known["unknown"]:
        left = len(known["unknown"])
        some = "" if left == number else f", such as {known['unknown'][0]}"
        print(f"audit: {left} of {number} packages could not be audited: no answer{some} ({known['why']})")
    elif not known["found"]:
        print(f"audit: no known vulnerabilities in {number} packages")
    return 1 if known["found"] else 0


def remembered(folder: Path, wanted: Sequence[str]) -> Json | None:
    """Return the last answer for exactly these packages, unless it is too old."""
    path = folder / f"{digest(wanted)}.json"
    if not path.exists():
        return None
    known: Json = json.loads(path.read_text())
    age = time.time() - path.stat().st_mtime
    return known if age < (HOUR_SECONDS if known["unknown"] else DAY_SECONDS) else None


def remember(folder: Path, wanted: Sequence[str], known: Json) -> None:
    """Keep an answer."""
    folder.mkdir(exist_ok=True)
    (folder / f"{digest(wanted)}.json").write_text(json.dumps(known))


def digest(wanted: Sequence[str]) -> str:
    """Return a name for a list of packages."""
    return hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
