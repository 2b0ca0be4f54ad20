"""Comparisons of conditional actions."""

from __future__ import annotations

import operator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.conditions import OPERATORS, compare, compare_numbers, compare_parts, single, weekday

signs = some.sampled_from(sorted(OPERATORS))
hours, minutes = some.integers(0, 23), some.integers(0, 59)


@given(some.text(), signs, some.text())
def test_texts_are_compared_by_their_bytes(left: str, sign: str, right: str) -> None:
    """The order of characters is that of their UTF-8 bytes."""
    assert compare(left, sign, right) is OPERATORS[sign](left.encode(), right.encode())


@given(some.text().filter(lambda sign: sign not in OPERATORS), some.integers())
def test_an_unknown_operator_is_false(sign: str, value: int) -> None:
    """Whatever is compared."""
    assert compare(value, sign, value) is False


@given(some.floats(width=32, allow_nan=False, allow_infinity=False), signs)
def test_a_number_equals_its_own_text(value: float, sign: str) -> None:
    """So every operator says the same as for the number itself."""
    assert compare_numbers(repr(value), sign, value) is OPERATORS[sign](value, value)


@given(some.text())
def test_any_text_can_be_compared_with_a_number(text: str) -> None:
    """It never fails."""
    assert compare_numbers(text, "==", 1.0) in (True, False)


@given(some.floats(allow_nan=False))
def test_rounding_to_32_bits_is_final(value: float) -> None:
    """Rounding again changes nothing; what is too large has no value."""
    once = single(value)
    assert once is None or single(once) == once


@given(hours, minutes, hours, minutes, signs)
def test_hour_and_minute_are_one_value(hour: int, minute: int, wanted: int, other: int, sign: str) -> None:
    """As if they were minutes since midnight."""
    expected = OPERATORS[sign](hour * 60 + minute, wanted * 60 + other)
    assert compare_parts((hour, minute), sign, (wanted, other)) is expected


@pytest.mark.parametrize(("wanted", "expected"), [((None, None), True), ((9, None), True), ((None, 29), False)])
def test_parts_that_are_not_wanted_do_not_count(wanted: tuple[int | None, ...], expected: bool) -> None:
    """It is 9:30."""
    assert compare_parts((9, 30), "==", wanted) is expected


def test_the_week_begins_on_sunday() -> None:
    """3 May 2026 is one."""
    sunday = datetime(2026, 5, 3, tzinfo=UTC)
    assert [weekday(sunday + timedelta(days=number)) for number in range(8)] == [0, 1, 2, 3, 4, 5, 6, 0]


def test_there_are_six_operators() -> None:
    """No words."""
    assert OPERATORS["=="] is operator.eq
    assert sorted(OPERATORS) == ["!=", "<", "<=", "==", ">", ">="]
