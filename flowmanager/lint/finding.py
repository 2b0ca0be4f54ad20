"""What a rule says about a flow."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from flowmanager.core.frozen import frozen


class Severity(StrEnum):
    """How bad it is, the worst first."""

    ERROR = "error"
    """The service refuses the flow."""
    WARNING = "warning"
    """The flow is stored, but something in it cannot work or is hardly meant so."""
    NOTE = "note"
    """Right or wrong depends on what only its author knows."""

    def reaches(self, least: Severity) -> bool:
        """Say whether it is as bad as another or worse."""
        return ORDER.index(self) <= ORDER.index(least)


ORDER = tuple(Severity)


@frozen
class Flaw:
    """What is wrong: where (a JSON path), why, and what to do."""

    severity: Severity
    path: str
    reason: str
    fix: str


@frozen
class Finding:
    """A flaw and the rule that found it."""

    rule: str
    severity: Severity
    path: str
    reason: str
    fix: str

    def wire(self) -> dict[str, str]:
        """Return it as answers show it."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "path": self.path,
            "reason": self.reason,
            "fix": self.fix,
        }


def warning(path: str, reason: str, fix: str) -> Flaw:
    """Return what cannot work."""
    return Flaw(Severity.WARNING, path, reason, fix)


def note(path: str, reason: str, fix: str) -> Flaw:
    """Return what should be looked at."""
    return Flaw(Severity.NOTE, path, reason, fix)


def accepted(findings: Iterable[Finding]) -> bool:
    """Say whether the service would take the flow."""
    return not any(one.severity is Severity.ERROR for one in findings)
