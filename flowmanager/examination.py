"""The doctor's round: every check in its turn and within its time limit; what hangs is left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread

from flowmanager import doctor as doctor_package
from flowmanager.check import Check, Finding, Level, Server, wrong
from flowmanager.core.frozen import frozen
from flowmanager.discover import collect
from flowmanager.errors import FlowManagerError
from flowmanager.patient import Patient


@frozen
class Diagnosis:
    """What one check has found; at least one finding."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether something must be mended."""
        return any(finding.level is Level.FAIL for finding in self.findings)


def all_checks() -> list[Check]:
    """Return every check, each behind the one that it needs, else by name."""
    checks = collect(doctor_package, Check)
    by_name = {one.name: one for one in checks}
    return sorted(checks, key=lambda one: (depth(one, by_name), one.name))


def depth(one: Check, by_name: Mapping[str, Check]) -> int:
    """Return how many checks must come before one."""
    return depth(by_name[one.after], by_name) + 1 if one.after else 0


def examine(patient: Patient, checks: Sequence[Check], *, seconds: float) -> Iterator[Diagnosis]:
    """Yield what each check finds, as soon as it is known. `seconds`: how long each may take."""
    unwell: set[str] = set()
    for one in checks:
        found = skipped(one, patient, unwell) or Diagnosis(one.name, look(one, patient, seconds))
        if found.failed or found.findings[0].level is Level.SKIP:
            unwell.add(one.name)
        yield found


def skipped(one: Check, patient: Patient, unwell: set[str]) -> Diagnosis | None:
    """Return why a check is not made, None when it is."""
    if one.after in unwell:
        return Diagnosis(one.name, (Finding(Level.SKIP, f"not looked at: it needs {one.after}"),))
    if one.server and not has(patient, one.server):
        return Diagnosis(one.name, (Finding(Level.SKIP, f"not looked at: there is no {one.server}"),))
    return None


def has(patient: Patient, server: Server) -> bool:
    """Say whether an installation has that server."""
    return patient.has_mysql if server is Server.MYSQL else patient.has_broker


@dataclass(slots=True)
class Answer:
    """What a check in a thread of its own has said so far."""

    findings: list[Finding] = field(default_factory=list)
    complete: bool = False


def look(one: Check, patient: Patient, seconds: float) -> tuple[Finding, ...]:
    """Return what a check finds; one that takes too long is a failure of what it looks at."""
    answer = Answer()
    thread = Thread(target=listen, args=(one, patient, answer), name=f"check-{one.name}", daemon=True)
    thread.start()
    thread.join(seconds)
    found = tuple(answer.findings)
    if answer.complete:
        return found
    late = wrong(f"no answer within {seconds:g} s", "find out what hangs there; --seconds gives it more time")
    return (*found, late)


def listen(one: Check, patient: Patient, answer: Answer) -> None:
    """Write down what a check says; an error that it did not expect is a finding too."""
    try:
        answer.findings.extend(one.look(patient))
    except FlowManagerError as error:
        answer.findings.append(wrong(str(error), "mend this first"))
    except Exception as error:  # noqa: BLE001 (one check's fault must not hide what the others find)
        answer.findings.append(wrong(f"the check itself failed: {error!r}", "report this"))
    answer.complete = True
