"""`frozen`: what the type checker refuses, and what such records can do."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, field, replace

import pytest

from flowmanager.client.records import Action
from flowmanager.core.frozen import frozen


@frozen
class Point:
    """A record."""

    x: int
    names: tuple[str, ...] = ()
    more: list[int] = field(default_factory=list, compare=False)


@frozen(kw_only=True, slots=False, order=True)
class Height:
    """A record with everything else than usual."""

    metres: int


def test_the_type_checker_refuses_to_change_one() -> None:
    """`make check` fails when the remark below is not needed; at run time nothing asks, which is the price."""
    point = Point(1)
    point.x = 2  # type: ignore[misc]
    assert point == Point(2)


def test_records_are_equal_and_found_in_sets_by_their_values() -> None:
    assert Point(1, ("a",)) == Point(1, ("a",)) != Point(2, ("a",))
    assert {Point(1), Point(1), Point(2)} == {Point(1), Point(2)}


def test_another_one_is_made_with_changes() -> None:
    point = Point(1, ("a",))
    assert (replace(point, x=5), point) == (Point(5, ("a",)), Point(1, ("a",)))


def test_they_have_no_other_fields() -> None:
    with pytest.raises(AttributeError):
        setattr(Point(1), "y", 1)  # noqa: B010 (the type checker would refuse it)


def test_options_are_those_of_dataclasses() -> None:
    with pytest.raises(TypeError):
        Height(1)  # type: ignore[call-arg]
    assert Height(metres=1) < Height(metres=2)
    assert Height(metres=1).__dict__ == {"metres": 1}


def test_what_users_of_the_client_get_is_frozen_for_them_too() -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(Action(id="a", next_id="b", type="talk"), "type", "play")  # noqa: B010
