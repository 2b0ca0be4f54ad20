"""All checks over a run, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults import check_customers, check_effects, check_paths, check_reads, check_requests, check_rest
from tests.faults.history import read_history, read_snapshot
from tests.faults.story import Story, make_story
from tests.faults.violation import SORTS, Check, Violation

CHECKS: Sequence[Check] = (
    check_requests.check_answers,
    check_requests.check_acceptance,
    check_requests.check_chains,
    check_customers.check_customers,
    check_customers.check_leaving,
    check_customers.check_flow_creations,
    check_customers.check_flow_events,
    check_paths.check_paths,
    check_paths.check_histories,
    check_paths.check_ends,
    check_paths.check_reasons,
    check_reads.check_reads,
    check_effects.check_variables,
    check_effects.check_news,
    check_effects.check_keys,
    check_effects.check_creations,
    check_effects.check_events,
    check_effects.check_effects,
    check_rest.check_rest,
    check_rest.check_bounds,
    check_rest.check_complaints,
)


@dataclass(frozen=True)
class Verdict:
    """What the checks say about a run."""

    attempted: int
    acknowledged: int
    violations: Sequence[Violation]

    @property
    def valid(self) -> bool:
        """Say whether nothing was violated."""
        return not self.violations

    def __str__(self) -> str:
        counts = Counter(violation.sort for violation in self.violations)
        told = " ".join(f"{sort} {counts[sort]}" for sort in SORTS)
        result = "valid" if self.valid else "INVALID"
        return f"attempted {self.attempted} acknowledged {self.acknowledged} {told} → {result}"


def judge(story: Story) -> Verdict:
    """Check a run."""
    violations = [violation for check in CHECKS for violation in check(story)]
    acknowledged = sum(bool(asked.definite) for asked in story.asked.values())
    return Verdict(len(story.asked), acknowledged, violations)


def judge_folder(folder: Path) -> Verdict:
    """Check a run that was kept."""
    return judge(make_story(read_history(folder), read_snapshot(folder)))
