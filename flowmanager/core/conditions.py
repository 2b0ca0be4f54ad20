"""Comparisons that conditional actions make. What cannot be compared is not true."""

from __future__ import annotations

import math
import operator
import re
import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
DIGITS = r"\d+(_\d+)*"
NUMBER = re.compile(
    rf"[+-]?(({DIGITS}\.?({DIGITS})?|\.{DIGITS})(e[+-]?{DIGITS})?|inf|infinity|nan)", re.ASCII | re.IGNORECASE
)


def compare(left: Any, sign: str, right: Any) -> bool:
    """Compare two values of one kind; an unknown operator is false."""
    holds = OPERATORS.get(sign)
    return holds is not None and holds(left, right)


def single(value: float) -> float | None:
    """Round to 32 bits, as the other managers compute; None: too large for that."""
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return None
    return rounded


def number_in(text: str) -> float | None:
    """Return the 32-bit number that a text holds; None: it holds none, or one that is too large."""
    if not NUMBER.fullmatch(text):
        return None
    value = float(text)
    return None if math.isinf(value) and "inf" not in text.lower() else single(value)


def compare_numbers(left: str, sign: str, right: float) -> bool:
    """Compare a text with a number, both as 32-bit floats; a text that is no number is false."""
    numbers = number_in(left), single(right)
    return None not in numbers and compare(numbers[0], sign, numbers[1])


def compare_parts(now: tuple[int, ...], sign: str, wanted: tuple[int | None, ...]) -> bool:
    """Compare a date or time as one value, most significant part first; parts that are None do not count."""
    pairs = [(part, wish) for part, wish in zip(now, wanted, strict=True) if wish is not None]
    return not pairs or compare([part for part, _ in pairs], sign, [wish for _, wish in pairs])


def weekday(moment: datetime) -> int:
    """Return the day of the week: Sunday is 0."""
    return moment.isoweekday() % 7
