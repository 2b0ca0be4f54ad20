"""How the lines of a picture go from box to box."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from flowmanager.core.frozen import frozen
from flowmanager.trace.graph import Edge
from flowmanager.trace.layout import ROW_GAP, Layout, Spot

PORT = 26.0
"""Between two lines that leave one action."""
ROUND = 9.0
"""Of the corners of lines that lead back."""

Point = tuple[float, float]


@frozen
class Way:
    """How a line goes: its path in SVG, where it ends, and the middle of its label."""

    path: str
    end: Point
    label: Point


def ports_of(edges: Sequence[Edge], layout: Layout) -> dict[int, float]:
    """Return where each line leaves its box, counted from the middle, so that lines do not begin on each other."""
    ports: dict[int, float] = {}
    for source in {edge.source for edge in edges}:
        leaving = [edge for edge in edges if edge.source == source]
        leaving.sort(key=lambda edge: ((edge.source, edge.target) in layout.back, first_point(edge, layout)[0]))
        room = min(PORT, layout.spots[source].width * 0.7 / max(len(leaving), 1))
        for number, edge in enumerate(leaving):
            ports[id(edge)] = (number - (len(leaving) - 1) / 2) * room
    return ports


def first_point(edge: Edge, layout: Layout) -> Point:
    """Return where a line goes to first."""
    points = layout.lines[edge.source, edge.target]
    target = layout.spots[edge.target]
    return points[0] if points else (target.x, target.y)


def way_of(edge: Edge, layout: Layout, port: float) -> Way:
    """Return the way of a line."""
    pair = (edge.source, edge.target)
    source, target, points = layout.spots[edge.source], layout.spots[edge.target], layout.lines[pair]
    start = (source.x + port, source.bottom)
    if pair not in layout.back:
        end = (target.x, target.y)
        follows = first_point(edge, layout)
        return Way(curve([start, *points, end]), end, ((start[0] + follows[0]) / 2, (start[1] + follows[1]) / 2))
    end, (lane, below) = (target.x + target.width / 4, target.y), points[0]
    if clear(source, lane, layout):
        side = (source.x + source.width / 2, (source.y + source.bottom) / 2)
        return Way(from_side(side, points, end), end, (lane, source.y - ROW_GAP / 2))
    return Way(from_below(start, points, end), end, ((start[0] + lane) / 2, below))


def clear(source: Spot, lane: float, layout: Layout) -> bool:
    """Say whether nothing stands between a box and the lane to its right."""
    right = source.x + source.width / 2
    return not any(
        right <= spot.x - spot.width / 2 < lane and spot.y < source.bottom and spot.bottom > source.y
        for spot in layout.spots.values()
    )


def curve(points: Sequence[Point]) -> str:
    """Return a smooth way through points, upright at each of them."""
    told = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (y1 + y2) / 2
        told += f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    return told


def from_below(start: Point, points: Sequence[Point], end: Point) -> str:
    """Return the way of a line that leads back: out below, to its lane, up, and in from above."""
    lane, below = points[0]
    return (
        f"M{start[0]:.1f} {start[1]:.1f}V{below - ROUND:.1f}q0 {ROUND} {ROUND} {ROUND}H{lane - ROUND:.1f}"
        f"q{ROUND} 0 {ROUND} -{ROUND}{upwards(points, end)}"
    )


def from_side(side: Point, points: Sequence[Point], end: Point) -> str:
    """Return the same for a line whose way to its lane is free."""
    lane = points[0][0]
    return f"M{side[0]:.1f} {side[1]:.1f}H{lane - ROUND:.1f}q{ROUND} 0 {ROUND} -{ROUND}{upwards(points, end)}"


def upwards(points: Sequence[Point], end: Point) -> str:
    """Return the way up the lane and in from above."""
    above = points[1][1]
    return (
        f"V{above + ROUND:.1f}q0 -{ROUND} -{ROUND} -{ROUND}H{end[0] + ROUND:.1f}"
        f"q-{ROUND} 0 -{ROUND} {ROUND}V{end[1]:.1f}"
    )
