"""When conditions on the time are true: the same as the engine says, and how they lie to each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.conditions import OPERATORS, weekday
from flowmanager.executors.condition_datetime import ConditionDatetimeOption, fits
from flowmanager.lint.cells import Cells
from flowmanager.lint.times import DATES, window_of
from flowmanager.schemas.options import load_option
from tests.unit.lint.builders import act, talk, told

OPTIONS = some.fixed_dictionaries(
    {"condition": some.sampled_from([*OPERATORS, "", "is"])},
    optional={
        "minute": some.integers(-2, 59),
        "hour": some.integers(-2, 23),
        "day": some.integers(-2, 31),
        "month": some.integers(-2, 12),
        "weekdays": some.lists(some.integers(0, 6), max_size=4),
    },
)
MOMENTS = some.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2032, 12, 31))


def loaded(option: dict[str, Any]) -> Mapping[str, Any]:
    """An option as the engine reads it."""
    return load_option(ConditionDatetimeOption, option)


@given(OPTIONS, MOMENTS)
def test_a_window_is_what_the_engine_compares(option: dict[str, Any], moment: datetime) -> None:
    """At every moment."""
    now, window = moment.replace(tzinfo=UTC), window_of(loaded(option))
    inside = (
        window.weekdays >> weekday(now) & 1,
        window.dates >> DATES.index((now.month, now.day)) & 1,
        window.minutes >> now.hour * 60 + now.minute & 1,
    )
    assert all(inside) == fits(now, loaded(option))


@given(OPTIONS)
def test_never_and_always(option: dict[str, Any]) -> None:
    """As every hour of some years shows, and every minute of a day."""
    window = window_of(loaded(option))
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    days = [begin + timedelta(days=number) for number in range(0, 366 * 7, 13)]
    minutes = [begin + timedelta(minutes=number) for number in range(24 * 60)]
    seen = {fits(now, loaded(option)) for now in (*days, *minutes)}
    assert not (window.never and True in seen)
    assert not (window.always and False in seen)


@given(some.lists(OPTIONS, min_size=1, max_size=5), MOMENTS)
def test_each_window_is_made_of_whole_cells(options: list[dict[str, Any]], moment: datetime) -> None:
    """So there is one cell for each moment, and a condition is true in it or not."""
    windows = [window_of(loaded(option)) for option in options]
    cells = Cells(windows)
    now = moment.replace(tzinfo=UTC)
    here = cells.everything
    for window, option in zip(windows, options, strict=True):
        here &= cells.bits[window] if fits(now, loaded(option)) else ~cells.bits[window]
    assert cells.many or here


def clock(sign: str, target: str = "no", /, **parts: Any) -> dict[str, Any]:
    """A condition on the time."""
    own = {"id": parts.pop("id")} if "id" in parts else {}
    return act("condition_datetime", condition=sign, false_target_id=target, **parts, **own)


END = [talk("yes"), act("stop"), talk("no", id="no")]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([clock("<", hour=0)], ["warning [0].option"]),
        ([clock("<", month=1)], ["warning [0].option"]),
        ([clock(">", month=12)], ["warning [0].option"]),
        ([clock(">", hour=23)], ["warning [0].option"]),
        ([clock("==", month=2, day=30)], ["warning [0].option"]),
        ([clock("==", month=2, day=29)], []),
        ([clock(">=", hour=0)], ["warning [0].option"]),
        ([clock("<=", month=12, day=31)], ["warning [0].option"]),
        ([clock("!=", month=2, day=30)], ["warning [0].option"]),
        ([clock("==", weekdays=[0, 1, 2, 3, 4, 5, 6])], ["warning [0].option"]),
        ([clock("==", weekdays=[1, 2, 3, 4, 5])], []),
        ([clock("", weekdays=[6])], []),
        ([clock("==", hour="${h}")], []),
        # one after the other, both true
        ([clock(">=", hour=9), clock("<", hour=17)], []),
        ([clock(">=", hour=17), clock("<", hour=9)], ["warning [1].option"]),
        ([clock(">=", hour=9), clock(">=", hour=8)], ["warning [1].option"]),
        ([clock(">=", hour=9), talk("time passes"), clock(">=", hour=8)], []),
        ([clock(">=", hour=9), act("variable_set", key="a", value="b"), clock(">", hour=8)], ["warning [2].option"]),
        ([clock("==", weekdays=[1, 2]), clock("==", weekdays=[3])], ["warning [1].option"]),
        ([clock("==", weekdays=[1]), clock("==", month=12, day=25)], []),
        # the second only where the first is false
        ([clock("<", "two", hour=9), *END[:2], clock(">=", id="two", hour=9)], ["warning [3].option"]),
        ([clock("<", "two", hour=9), *END[:2], clock(">=", id="two", hour=17)], []),
        ([clock(">=", "two", hour=9), *END[:2], clock(">=", id="two", hour=17)], ["warning [3].option"]),
        ([clock("<", "two", hour=17), *END[:2], clock("<", id="two", hour=9)], ["warning [3].option"]),
        (
            [clock("==", "two", weekdays=[1, 2, 3]), *END[:2], clock("==", id="two", weekdays=[3, 4])],
            ["note [3].option"],
        ),
        ([clock("==", "two", month=12, day=25), *END[:2], clock("==", id="two", weekdays=[1, 2, 3, 4, 5])], []),
        ([clock("==", "two", weekdays=[1]), *END[:2], clock("<", id="two", hour=9)], []),
        ([clock(">=", hour=8), clock(">=", "x", hour=12), clock(">=", id="x", hour=8)], ["warning [2].option"]),
        # a way around the first
        ([act("goto", target_id="two", loop_count=1), clock(">=", hour=17), clock("<", id="two", hour=9)], []),
    ],
)
def test_conditions_that_make_no_difference(conditions: list[Any], found: list[str]) -> None:
    """By themselves or because of those before them; near misses are let alone."""
    lines = [line for line in told([*conditions, *END]) if line.startswith("time-condition")]
    assert [line.removeprefix("time-condition ") for line in lines] == found


def test_very_many_different_times_are_not_compared() -> None:
    """It would take too long."""
    days = [clock("==", weekdays=[number]) for number in (1, 2)]
    dates = [clock("!=", month=number % 12 + 1, day=number % 28 + 1) for number in range(90)]
    times = [clock("!=", hour=number % 24, minute=number) for number in range(60)]
    assert told([*days, *END]) == ["time-condition warning [1].option"]
    assert told([*days, *dates, *times, *END]) == []
    many = [clock("!=", hour=number // 60, minute=number % 60) for number in range(201)]
    assert told([*days, *many, *END]) == []
