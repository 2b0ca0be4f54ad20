"""Where the boxes of a graph stand: in rows, each below what leads to it, with few crossings and straight lines.

The usual four steps (Sugiyama): lines that lead back are set aside, every box gets a row, rows are put in an order that
crosses few lines, and boxes are moved sideways towards their neighbours. Lines over several rows get a place in each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from flowmanager.core.frozen import frozen

Name = tuple[str, ...]
Pair = tuple[Name, Name]

GAP = 26.0
"""Between two boxes of a row."""
ROW_GAP = 44.0
"""Between two rows."""
LANE = 16.0
"""Between two lines that lead back."""
LINE_WIDTH = 14.0
"""Room for a line that passes a row."""
SWEEPS = 12
LINE_WEIGHT = 6.0
"""How much more a line wants to be straight than a box wants to be in the middle."""


@frozen
class Box:
    """Something with a size."""

    name: Name
    width: float
    height: float


@frozen
class Spot:
    """Where a box stands: its middle and its top."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


@dataclass(slots=True)
class Layout:
    """Boxes and lines with their places; the upper left corner is 0, 0."""

    spots: dict[Name, Spot]
    lines: dict[Pair, list[tuple[float, float]]]
    """Points that a line passes between its ends."""
    back: frozenset[Pair]
    """Lines that lead back: drawn around the boxes."""
    width: float
    height: float


@dataclass(slots=True)
class Rows:
    """Boxes in rows; a line over several rows has a thin box in each of them."""

    boxes: dict[Name, Box]
    rows: list[list[Name]]
    above: dict[Name, list[Name]] = field(default_factory=lambda: defaultdict(list))
    below: dict[Name, list[Name]] = field(default_factory=lambda: defaultdict(list))


def lay_out(boxes: Sequence[Box], pairs: Sequence[Pair]) -> Layout:
    """Return where everything stands. The first box is the beginning."""
    names = [box.name for box in boxes]
    back = leading_back(names, pairs)
    forward = [pair for pair in dict.fromkeys(pairs) if pair not in back]
    rows, chains = in_rows(boxes, forward, rank(names, forward))
    order(rows)
    return placed(rows, chains, forward, back)


def leading_back(names: Sequence[Name], pairs: Sequence[Pair]) -> frozenset[Pair]:
    """Return the lines that close a circle, found by walking from the beginning in the order given."""
    following: dict[Name, list[Name]] = defaultdict(list)
    for source, target in pairs:
        following[source].append(target)
    walked, under_way, back = set[Name](), list[Name](), set[Pair]()
    left = {name: list(reversed(following[name])) for name in names}
    for start in names:
        if start not in walked:
            under_way, walked = [start], walked | {start}
        while under_way:
            name = under_way[-1]
            if not left[name]:
                under_way.pop()
                continue
            target = left[name].pop()
            if target in under_way:
                back.add((name, target))
            elif target not in walked:
                walked.add(target)
                under_way.append(target)
    return frozenset(back)


def rank(names: Sequence[Name], forward: Sequence[Pair]) -> dict[Name, int]:
    """Return the row of each box: below everything that leads to it."""
    sources: dict[Name, list[Name]] = defaultdict(list)
    targets: dict[Name, list[Name]] = defaultdict(list)
    for source, target in forward:
        sources[target].append(source)
        targets[source].append(target)
    missing = {name: len(sources[name]) for name in names}
    ready, ranks = [name for name in names if not missing[name]], dict.fromkeys(names, 0)
    while ready:
        name = ready.pop()
        for target in targets[name]:
            ranks[target] = max(ranks[target], ranks[name] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return ranks


def in_rows(
    boxes: Sequence[Box], forward: Sequence[Pair], ranks: Mapping[Name, int]
) -> tuple[Rows, dict[Pair, list[Name]]]:
    """Return the rows, and for each line the names by which it passes them."""
    rows = Rows({box.name: box for box in boxes}, [[] for _ in range(max(ranks.values(), default=-1) + 1)])
    for box in boxes:
        rows.rows[ranks[box.name]].append(box.name)
    chains: dict[Pair, list[Name]] = {}
    for pair in forward:
        source, target = pair
        chain = [source]
        for row in range(ranks[source] + 1, ranks[target]):
            passing = ("line", *source, *target, str(row))
            rows.boxes[passing] = Box(passing, LINE_WIDTH, 0.0)
            rows.rows[row].append(passing)
            chain.append(passing)
        chain.append(target)
        chains[pair] = chain[1:-1]
        for upper, lower in pairwise(chain):
            rows.below[upper].append(lower)
            rows.above[lower].append(upper)
    return rows, chains


def order(rows: Rows) -> None:
    """Put each row in the order that crosses the fewest lines of those tried."""
    best, fewest = [list(row) for row in rows.rows], crossings(rows)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        downwards = sweep % 2 == 0
        numbers = range(1, len(rows.rows)) if downwards else range(len(rows.rows) - 2, -1, -1)
        for number in numbers:
            sort_row(rows, number, downwards=downwards)
        found = crossings(rows)
        if found < fewest:
            best, fewest = [list(row) for row in rows.rows], found
    rows.rows = best


def sort_row(rows: Rows, number: int, *, downwards: bool) -> None:
    """Sort a row by the mean place of its neighbours in the row before."""
    neighbours = rows.above if downwards else rows.below
    fixed = rows.rows[number - 1 if downwards else number + 1]
    place = {name: index for index, name in enumerate(fixed)}
    own = {name: index for index, name in enumerate(rows.rows[number])}

    def mean(name: Name) -> float:
        found = [place[one] for one in neighbours[name] if one in place]
        return sum(found) / len(found) if found else float(own[name])

    rows.rows[number].sort(key=mean)


def crossings(rows: Rows) -> int:
    """Count the pairs of lines that cross between neighbouring rows."""
    total = 0
    for upper, lower in pairwise(rows.rows):
        place = {name: index for index, name in enumerate(lower)}
        ends = [place[target] for name in upper for target in sorted(rows.below[name], key=place.__getitem__)]
        total += sum(later < earlier for index, earlier in enumerate(ends) for later in ends[index + 1 :])
    return total


def sideways(rows: Rows) -> dict[Name, float]:
    """Return the middle of each box: near its neighbours, never on another box."""
    middles: dict[Name, float] = {}
    for row in rows.rows:
        left = 0.0
        for name in row:
            middles[name] = left + rows.boxes[name].width / 2
            left += rows.boxes[name].width + GAP
    for sweep in range(SWEEPS * 2):
        downwards = sweep % 2 == 0
        neighbours = rows.above if downwards else rows.below
        for row in rows.rows if downwards else reversed(rows.rows):
            wanted = [
                sum(middles[one] for one in neighbours[name]) / len(neighbours[name])
                if neighbours[name]
                else middles[name]
                for name in row
            ]
            middles.update(zip(row, spread(rows, row, wanted), strict=True))
    return middles


def spread(rows: Rows, row: Sequence[Name], wanted: Sequence[float]) -> list[float]:
    """Return the places nearest to the wanted ones that leave room between the boxes (pooling of neighbours)."""
    shifts, shift = [0.0], 0.0
    for left, right in pairwise(row):
        shift += (rows.boxes[left].width + rows.boxes[right].width) / 2 + GAP
        shifts.append(shift)
    pools: list[tuple[float, float, int]] = []
    for name, wish, moved in zip(row, wanted, shifts, strict=True):
        pool = (wish - moved, LINE_WEIGHT if rows.boxes[name].height == 0.0 else 1.0, 1)
        while pools and pools[-1][0] > pool[0]:
            value, weight, count = pools.pop()
            both = weight + pool[1]
            pool = ((value * weight + pool[0] * pool[1]) / both, both, count + pool[2])
        pools.append(pool)
    places = [value for value, _, count in pools for _ in range(count)]
    return [place + moved for place, moved in zip(places, shifts, strict=True)]


def placed(rows: Rows, chains: Mapping[Pair, Sequence[Name]], forward: Sequence[Pair], back: frozenset[Pair]) -> Layout:
    """Return the layout in which the leftmost box begins at 0."""
    middles, tops = sideways(rows), row_tops(rows)
    left = min((middles[name] - rows.boxes[name].width / 2 for name in middles), default=0.0)
    spots: dict[Name, Spot] = {}
    for number, row in enumerate(rows.rows):
        tallest = row_height(rows, number)
        for name in row:
            box = rows.boxes[name]
            spots[name] = Spot(middles[name] - left, tops[number] + (tallest - box.height) / 2, box.width, box.height)
    lines = {pair: [point for name in chains[pair] for point in passage(spots[name], rows, tops)] for pair in forward}
    boxes = {name: spot for name, spot in spots.items() if name[0] != "line"}
    passing = list(spots.values())
    behind = around(boxes, passing, back)
    right = max(
        [spot.x + spot.width / 2 for spot in passing] + [points[0][0] + LANE * 2 for points in behind.values()],
        default=0.0,
    )
    height = max((spot.bottom for spot in boxes.values()), default=0.0)
    return Layout(boxes, lines | behind, back, right, height)


def passage(spot: Spot, rows: Rows, tops: Sequence[float]) -> list[tuple[float, float]]:
    """Return the two points between which a line passes a row straight."""
    number = max(index for index, top in enumerate(tops) if top <= spot.y)
    return [(spot.x, tops[number]), (spot.x, tops[number] + row_height(rows, number))]


def row_height(rows: Rows, number: int) -> float:
    """Return the height of the tallest box of a row."""
    return max((rows.boxes[name].height for name in rows.rows[number]), default=0.0)


def row_tops(rows: Rows) -> list[float]:
    """Return the upper edge of each row."""
    tops, top = [], 0.0
    for number in range(len(rows.rows)):
        tops.append(top)
        top += row_height(rows, number) + ROW_GAP
    return tops


def around(
    boxes: Mapping[Name, Spot], passing: Sequence[Spot], back: frozenset[Pair]
) -> dict[Pair, list[tuple[float, float]]]:
    """Return the way of each line that leads back: down, to the right of all that is there, up, and in from above."""
    lines: dict[Pair, list[tuple[float, float]]] = {}
    short_first = sorted(back, key=lambda pair: (boxes[pair[0]].y - boxes[pair[1]].y, pair))
    for source, target in short_first:
        below, above = boxes[source].bottom + ROW_GAP * 0.4, boxes[target].y - ROW_GAP * 0.4
        beside = [spot.x + spot.width / 2 for spot in passing if spot.bottom > above and spot.y < below]
        taken = [points[0][0] for points in lines.values() if points[0][1] > above and points[1][1] < below]
        lane = max([*beside, *taken]) + LANE
        lines[source, target] = [(lane, below), (lane, above)]
    return lines
