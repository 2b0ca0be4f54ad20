"""A short run with faults, as part of the tests; `make chaos` makes longer ones, with servers that are killed too."""

from __future__ import annotations

from pathlib import Path

from tests.faults.run import Options, run_chaos
from tests.services import Services

LEAST = 40
"""Requests: a machine that is busy with other things still makes so many."""
OPTIONS = Options(seed=11, seconds=15.0, gap=(0.5, 2.0), callers=4, workers=2)


def test_nothing_is_lost_or_doubled_under_faults(services: Services, tmp_path: Path) -> None:
    """Workers are killed, held and cut off; peers are slow and silent; messages come twice, late and unreadable."""
    result = run_chaos(OPTIONS, services, {}, tmp_path / "chaos")
    story = "\n".join([*result.timeline, *map(str, result.verdict.violations), str(result.verdict)])
    assert result.verdict.valid, story
    assert result.verdict.attempted > LEAST, story
