"""A graph as a picture: SVG that needs nothing else, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from textwrap import wrap

from flowmanager.core.frozen import frozen
from flowmanager.trace.graph import BEGIN, END, Edge, Group, Key, Node, graph_of_flow, graph_of_trace
from flowmanager.trace.labels import clean, cut
from flowmanager.trace.layout import Box, Layout, Spot, lay_out
from flowmanager.trace.marks import look, numbers, times
from flowmanager.trace.model import PlannedAction, Trace
from flowmanager.trace.svg_style import STYLE
from flowmanager.trace.ways import Way, ports_of, way_of
from flowmanager.words import plural

NODE_WIDTH = 216.0
LINE_HEIGHT = 15.0
TEXT_CHARACTERS = 30
TEXT_LINES = 2
TITLE_CHARACTERS = 26
LABEL_CHARACTERS = 22
HEAD_CHARACTERS = 96
PADDING = 26.0
"""Inside a stack's frame."""
GROUP_TITLE = 22.0
MARGIN = 28.0
LEAST_WIDTH = 460.0


def svg_of_trace(trace: Trace) -> str:
    """Return the picture of a trace."""
    name = trace.flow_name or "actions without a stored flow"
    belongs = f" · {trace.reference_type} {trace.reference_id}" if trace.reference_type else ""
    reason = f" · {trace.ended_reason}" if trace.ended_reason else ""
    who = f"activeflow {trace.id}{belongs}"
    error = f"{trace.error.get('type')}: {trace.error.get('message')}" if trace.error else ""
    told = [f"{trace.state}{reason}: {trace.why}", *([error] if error else [])]
    if trace.since or trace.next_since is not None:
        told.append(f"steps {trace.since + 1} to {trace.since + len(trace.steps)} of {trace.executed_count}")
    return page(graph_of_trace(trace), name, who, told)


def svg_of_flow(actions: Sequence[PlannedAction], name: str) -> str:
    """Return the picture of a template."""
    return page(graph_of_flow(actions), name, plural(len(actions), "action"), [])


def page(main: Group, title: str, subtitle: str, told: Sequence[str]) -> str:
    """Return a picture with a heading."""
    drawing = measured(main)
    lines = [line for text in told for line in wrap(text, HEAD_CHARACTERS)[:2]]
    top = MARGIN + 40 + 18 * len(lines) + 14
    width = max(drawing.width, LEAST_WIDTH, *(7.0 * len(line) for line in (*lines, subtitle))) + 2 * MARGIN
    height = top + drawing.height + MARGIN
    left = (width - drawing.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(clean(title))}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10"/>',
        words("h1", MARGIN, MARGIN + 14, cut(title, HEAD_CHARACTERS)),
        words("h2", MARGIN, MARGIN + 34, subtitle),
        *(words("h3", MARGIN, MARGIN + 56 + 18 * number, line) for number, line in enumerate(lines)),
        *drawn(drawing, left, top),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


@frozen
class Drawing:
    """A stack with the places of everything in it."""

    group: Group
    layout: Layout
    inner: Mapping[Key, Drawing]

    @property
    def width(self) -> float:
        """Of the drawing without a frame."""
        return self.layout.width

    @property
    def height(self) -> float:
        """Of the drawing without a frame."""
        return self.layout.height


def measured(group: Group) -> Drawing:
    """Return a stack, laid out from the innermost stacks outwards."""
    inner = {one.key: measured(one) for one in group.groups}
    ends = {key for edge in group.edges for key in (edge.source, edge.target)}
    boxes = [Box(BEGIN, 64, 24)] if BEGIN in ends else []
    boxes += [Box(node.key, NODE_WIDTH, node_height(node)) for node in group.nodes]
    boxes += [Box(key, one.width + 2 * PADDING, one.height + 2 * PADDING + GROUP_TITLE) for key, one in inner.items()]
    boxes += [Box(END, 64, 24)] if END in ends else []
    known = {box.name for box in boxes}
    pairs = [(edge.source, edge.target) for edge in group.edges if {edge.source, edge.target} <= known]
    return Drawing(group, lay_out(boxes, pairs), inner)


def node_height(node: Node) -> float:
    """Return the height of an action's box."""
    return 32.0 + LINE_HEIGHT * len(text_lines(node))


def text_lines(node: Node) -> list[str]:
    """Return what is written below the type of an action."""
    lines = wrap(node.text, TEXT_CHARACTERS, break_long_words=True)
    if len(lines) <= TEXT_LINES:
        return lines
    return [*lines[: TEXT_LINES - 1], cut(" ".join(lines[TEXT_LINES - 1 :]), TEXT_CHARACTERS)]


def drawn(drawing: Drawing, left: float, top: float) -> Iterator[str]:
    """Yield the elements of a stack: lines below, boxes above, the path over the rest."""
    yield f'<g transform="translate({left:.1f} {top:.1f})">'
    layout, edges = drawing.layout, drawing.group.edges
    for key, one in drawing.inner.items():
        yield from frame(one, layout.spots[key])
    shown = [
        edge for edge in sorted(edges, key=lambda edge: edge.taken > 0) if (edge.source, edge.target) in layout.lines
    ]
    ports = ports_of(shown, layout)
    ways = [way_of(edge, layout, ports[id(edge)]) for edge in shown]
    for write in (line, label):
        for edge, way in zip(shown, ways, strict=True):
            yield from write(edge, way)
    for node in drawing.group.nodes:
        yield from box(node, layout.spots[node.key])
    for key, name in ((BEGIN, "begin"), (END, "end")):
        if key in layout.spots:
            yield from pill(name, layout.spots[key])
    if drawing.group.omitted:
        yield words("h2", 0, drawing.height + 18, f"and {drawing.group.omitted} more actions")
    yield "</g>"


def frame(drawing: Drawing, spot: Spot) -> Iterator[str]:
    """Yield the frame of a nested stack and what is in it."""
    x, seen = spot.x - spot.width / 2, " seen-group" if drawing.group.visited else ""
    yield (
        f'<rect class="group{seen}" x="{x:.1f}" y="{spot.y:.1f}" width="{spot.width:.1f}" '
        f'height="{spot.height:.1f}" rx="12"/>'
    )
    yield words("group-title", x + 14, spot.y + 19, drawing.group.title)
    yield from drawn(drawing, x + PADDING, spot.y + PADDING + GROUP_TITLE)


def box(node: Node, spot: Spot) -> Iterator[str]:
    """Yield an action."""
    x = spot.x - spot.width / 2
    yield f'<g class="{look(node)}"><title>{escape(clean(f"{node.type} {node.text}"))}</title>'
    yield (
        f'<rect class="box" x="{x:.1f}" y="{spot.y:.1f}" width="{spot.width:.1f}" height="{spot.height:.1f}" rx="8"/>'
    )
    mark = "▶ " if node.current else ""
    yield words("type", x + 12, spot.y + 20, mark + cut(node.type or "?", TITLE_CHARACTERS))
    for number, text in enumerate(text_lines(node)):
        yield words("text", x + 12, spot.y + 36 + LINE_HEIGHT * number, text)
    told = numbers(node)
    if told:
        wide = 6.4 * len(told) + 11
        yield (
            f'<rect class="number" x="{x + spot.width - wide + 8:.1f}" y="{spot.y - 8:.1f}" width="{wide:.1f}" '
            f'height="17" rx="8.5"/>'
        )
        yield words("digits", x + spot.width - wide / 2 + 8, spot.y + 4.2, told, anchor="middle")
    yield "</g>"


def pill(name: str, spot: Spot) -> Iterator[str]:
    """Yield the beginning or the end."""
    yield (
        f'<rect class="pill" x="{spot.x - spot.width / 2:.1f}" y="{spot.y:.1f}" width="{spot.width:.1f}" '
        f'height="{spot.height:.1f}" rx="{spot.height / 2:.1f}"/>'
    )
    yield words("pill-text", spot.x, spot.y + spot.height / 2 + 4, name, anchor="middle")


def line(edge: Edge, way: Way) -> Iterator[str]:
    """Yield a line with its tip."""
    yield f'<path class="line{" taken" if edge.taken else ""}" d="{way.path}"/>'
    tip = "tip-taken" if edge.taken else "tip"
    yield f'<path class="{tip}" d="M{way.end[0]:.1f} {way.end[1]:.1f}l-5 -9h10z"/>'


def label(edge: Edge, way: Way) -> Iterator[str]:
    """Yield what is written on a line."""
    told = " ".join(one for one in (cut(edge.label, LABEL_CHARACTERS), times(edge)) if one)
    if not told:
        return
    x, y = way.label
    wide = 6.6 * len(told) + 8
    kind = "label label-taken" if edge.taken else "label"
    yield f'<rect class="page-fill" x="{x - wide / 2:.1f}" y="{y - 8:.1f}" width="{wide:.1f}" height="16" rx="4"/>'
    yield words(kind, x, y + 4, told, anchor="middle")


def words(kind: str, x: float, y: float, text: str, *, anchor: str = "") -> str:
    """Return a line of text."""
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{placed}>{escape(clean(text), quote=False)}</text>'
