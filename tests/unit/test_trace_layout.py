"""Boxes never lie on each other, lines lead down unless they close a circle, and the picture holds everything."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from flowmanager.trace.layout import (
    GAP,
    Box,
    Layout,
    Name,
    Pair,
    crossings,
    in_rows,
    lay_out,
    leading_back,
    order,
    rank,
)

names = some.integers(0, 14)


def named(number: int) -> Name:
    """The name of a box."""
    return "box", str(number)


@some.composite
def graphs(draw: some.DrawFn) -> tuple[list[Box], list[Pair]]:
    """Some boxes and lines between them."""
    count = draw(some.integers(1, 15))
    sizes = some.tuples(some.floats(20, 300), some.floats(10, 200))
    boxes = [Box(named(number), *draw(sizes)) for number in range(count)]
    ends = some.integers(0, count - 1)
    pairs = draw(some.lists(some.tuples(ends, ends), max_size=30))
    return boxes, [(named(source), named(target)) for source, target in pairs]


@given(graphs())
@settings(deadline=None)
def test_boxes_keep_their_size_and_their_distance(graph: tuple[list[Box], list[Pair]]) -> None:
    boxes, pairs = graph
    layout = lay_out(boxes, pairs)
    assert {(box.name, box.width, box.height) for box in boxes} == {
        (name, spot.width, spot.height) for name, spot in layout.spots.items()
    }
    spots = sorted(layout.spots.values(), key=lambda spot: spot.x)
    for number, spot in enumerate(spots):
        for other in spots[number + 1 :]:
            beside = other.x - other.width / 2 >= spot.x + spot.width / 2 + GAP - 0.01
            assert beside or spot.bottom < other.y or other.bottom < spot.y


@given(graphs())
@settings(deadline=None)
def test_everything_is_inside(graph: tuple[list[Box], list[Pair]]) -> None:
    layout = lay_out(*graph)
    for spot in layout.spots.values():
        assert spot.x - spot.width / 2 >= -0.01
        assert spot.x + spot.width / 2 <= layout.width + 0.01
        assert 0 <= spot.y <= spot.bottom <= layout.height + 0.01
    assert all(x <= layout.width for points in layout.lines.values() for x, _ in points)


@given(graphs())
@settings(deadline=None)
def test_lines_lead_down_and_those_of_circles_around(graph: tuple[list[Box], list[Pair]]) -> None:
    boxes, pairs = graph
    layout = lay_out(boxes, pairs)
    assert set(layout.lines) == set(pairs)
    for source, target in pairs:
        upper, lower = layout.spots[source], layout.spots[target]
        assert upper.bottom < lower.y or (source, target) in layout.back
    assert outside(layout)


def outside(layout: Layout) -> bool:
    """Say whether lines that lead back pass to the right of the boxes beside them."""
    for pair in layout.back:
        lane, below = layout.lines[pair][0]
        above = layout.lines[pair][1][1]
        beside = [spot for spot in layout.spots.values() if spot.bottom > above and spot.y < below]
        if any(spot.x + spot.width / 2 > lane for spot in beside):
            return False
    return True


def test_the_lines_that_lead_back_are_those_to_what_was_passed() -> None:
    first, second, third = named(1), named(2), named(3)
    pairs = [(first, second), (second, third), (third, first), (second, second)]
    assert leading_back([first, second, third], pairs) == {(third, first), (second, second)}


def test_rows_are_sorted_so_that_lines_do_not_cross() -> None:
    """Two crossed pairs come apart."""
    boxes = [Box(named(number), 10, 10) for number in range(4)]
    pairs = [(named(0), named(3)), (named(1), named(2))]
    rows, _ = in_rows(boxes, pairs, rank([box.name for box in boxes], pairs))
    assert crossings(rows) == 1
    order(rows)
    assert crossings(rows) == 0


def test_nothing_needs_no_room() -> None:
    layout = lay_out([], [])
    assert (layout.width, layout.height) == (0.0, 0.0)
