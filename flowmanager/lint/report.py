"""Findings as text, JSON and SARIF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from flowmanager import __version__
from flowmanager.core.frozen import frozen
from flowmanager.lint.finding import ORDER, Finding, Severity, accepted
from flowmanager.lint.linter import all_rules
from flowmanager.lint.refusals import ABOUT, NAME
from flowmanager.words import plural

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@frozen
class Located:
    """A finding and the line where it is."""

    finding: Finding
    line: int

    def wire(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**self.finding.wire(), "line": self.line}


Files = Mapping[str, Sequence[Located]]
"""The findings of each file."""


def as_text(files: Files) -> str:
    """Return the findings for a terminal: a line for what is wrong, a line for what to do, and the sum."""
    blocks = [block for file, found in files.items() for one in found for block in lines(file, one)]
    return "\n".join([*blocks, summary(files), ""])


def lines(file: str, one: Located) -> Iterator[str]:
    """Yield the lines about one finding."""
    found = one.finding
    yield f"{file}:{one.line}: {found.severity.value}: {found.reason} [{found.rule}]"
    yield f"    at {found.path}"
    yield f"    {found.fix}"
    yield ""


def summary(files: Files) -> str:
    """Return how much was found."""
    if not files:
        return "no flow was looked at"
    counted = Counter(one.finding.severity for found in files.values() for one in found)
    told = [plural(counted[severity], severity.value) for severity in ORDER if counted[severity]]
    hint = ". Mend the errors first: they hide the way through the flow from other rules" if counted[ORDER[0]] else ""
    return f"{', '.join(told) or 'nothing found'} in {plural(len(files), 'flow')}{hint}"


def as_json(files: Files) -> str:
    """Return the findings as one JSON object."""
    shown = [
        {"file": file, "valid": accepted(one.finding for one in found), "findings": [one.wire() for one in found]}
        for file, found in files.items()
    ]
    return written({"files": shown})


def as_sarif(files: Files) -> str:
    """Return the findings in SARIF 2.1.0, which code hosts show beside the lines."""
    names = [NAME, *(rule.name for rule in all_rules())]
    about = [ABOUT, *(rule.about for rule in all_rules())]
    driver = {
        "name": "flowmanager lint",
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": told}} for name, told in zip(names, about, strict=True)],
    }
    results = [sarif_result(file, one, names) for file, found in files.items() for one in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return written({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def sarif_result(file: str, one: Located, names: Sequence[str]) -> dict[str, Any]:
    """Return one finding in SARIF."""
    found = one.finding
    place = {"artifactLocation": {"uri": uri_of(file)}, "region": {"startLine": one.line}}
    return {
        "ruleId": found.rule,
        "ruleIndex": names.index(found.rule),
        "level": found.severity.value,
        "message": {"text": f"{found.path}: {found.reason}. {found.fix}"},
        "locations": [{"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": found.path}]}],
    }


def uri_of(file: str) -> str:
    """Return a file as SARIF names it."""
    return "stdin" if file == "-" else quote(file.replace("\\", "/"))


def written(value: Any) -> str:
    """Return JSON that people can read."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def worst(files: Files) -> Severity | None:
    """Return the worst severity of all, None when there is nothing."""
    found = {one.finding.severity for found in files.values() for one in found}
    return next((severity for severity in ORDER if severity in found), None)
