"""What a measurement counts: operations under way at its end are neither lost nor counted as whole ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.window import Window


def test_what_goes_on_after_the_end_counts_in_part() -> None:
    """By its time; how long it took is told whole."""
    window = Window(10.0, {"one", "other"})
    window.note("one", 4.0, 8.0)
    window.note("one", 8.0, 12.0)
    assert (window.operations, window.times, window.finished) == (1.5, [4.0, 4.0], 2)


def test_it_is_open_until_each_user_has_finished_what_it_was_doing_at_the_end() -> None:
    """Also one who was between two operations then, as who makes a new activeflow is."""
    window = Window(10.0, {"one", "other"})
    open_after = []
    for user, started, finished in [("one", 9.0, 11.0), ("one", 11.0, 13.0), ("other", 12.0, 14.0)]:
        window.note(user, started, finished)
        open_after.append(window.is_open)
    assert open_after == [True, True, False]
    assert (window.operations, len(window.times), window.finished) == (0.5, 1, 3)


@given(st.integers(1, 40), st.floats(0.05, 3.0), st.floats(1.0, 5.0))
def test_the_rate_does_not_depend_on_how_long_an_operation_is(users: int, each: float, seconds: float) -> None:
    """So many users with operations of the same length make users / length a second, however short the round."""
    window = Window(seconds, set(range(users)))
    for user in range(users):
        now = 0.0
        while now < seconds:
            window.note(user, now, now + each)
            now += each
    assert not window.is_open
    assert window.operations / seconds == pytest.approx(users / each)
