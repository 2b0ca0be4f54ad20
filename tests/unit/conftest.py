"""Property tests have no time limit for each example: on a busy machine it would say nothing about the code."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def pytest_configure() -> None:
    """Load the profile before any test is collected."""
    settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unit")
