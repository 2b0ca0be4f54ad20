"""Activeflows as a table for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, Protocol

import click

from flowmanager.trace.labels import SHORT_ID, cut
from flowmanager.trace.text import STATE_COLOURS, span
from flowmanager.words import plural

COLUMNS = {"ID": 36, "STATE": 26, "ACTION": 20, "SINCE": 10, "AGE": 10, "REFERENCE": 22, "FLOW": 22, "CUSTOMER": 9}
WIDE = 1000
"""A width that holds every column."""
WAITS = {"push": "event", "timer": "clock", "pull": "caller"}


class Row(Protocol):
    """What is told of one activeflow; see the client's `Overview`."""

    @property
    def id(self) -> str: ...
    @property
    def customer_id(self) -> str: ...
    @property
    def flow_id(self) -> str: ...
    @property
    def reference_type(self) -> str: ...
    @property
    def reference_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def wait(self) -> Mapping[str, Any]: ...
    @property
    def ended_reason(self) -> str: ...
    @property
    def action_type(self) -> str: ...
    @property
    def stack_depth(self) -> int: ...
    @property
    def now(self) -> datetime | None: ...
    @property
    def tm_action(self) -> datetime | None: ...
    @property
    def tm_create(self) -> datetime | None: ...


def heading(rows: Sequence[Row], *, more: bool) -> str:
    """Return how many there are, by state. `more`: there may be more than were asked for."""
    states = Counter(row.state for row in rows)
    told = ", ".join(f"{number} {state}" for state, number in states.most_common())
    moment = f" at {rows[0].now:%H:%M:%S} UTC" if rows and rows[0].now else ""
    return f"{'the newest ' if more else ''}{plural(len(rows), 'activeflow')}{moment}{': ' if told else ''}{told}"


def table(rows: Sequence[Row], names: Mapping[str, str], *, left: int = 0, width: int = WIDE) -> Iterator[str]:
    """Yield the lines. `names`: of flows; `left`: how many more there are than shown; `width`: of the terminal."""
    if not rows:
        return
    columns = fitting(width)
    yield click.style("  ".join(f"{name:<{COLUMNS[name]}}" for name in columns).rstrip(), dim=True)
    yield from (line(row, names.get(row.flow_id, ""), columns) for row in rows)
    if left > 0:
        yield f"… and {left} more"


def fitting(width: int) -> list[str]:
    """Return the columns that a terminal has room for, the first one always."""
    ends = accumulate(column + 2 for column in COLUMNS.values())
    return [name for name, end in zip(COLUMNS, ends, strict=True) if end - 2 <= width or name == "ID"]


def line(row: Row, name: str, columns: Sequence[str]) -> str:
    """Return the line of one activeflow."""
    cells = {
        "ID": row.id,
        "STATE": state_text(row),
        "ACTION": f"{'· ' * min(row.stack_depth, 3)}{row.action_type}",
        "SINCE": age(row.now, row.tm_action),
        "AGE": age(row.now, row.tm_create),
        "REFERENCE": f"{row.reference_type} {row.reference_id[:SHORT_ID]}…" if row.reference_type else "",
        "FLOW": name or f"{row.flow_id[:SHORT_ID]}…",
        "CUSTOMER": f"{row.customer_id[:SHORT_ID]}…",
    }
    texts = {column: f"{cut(cells[column], COLUMNS[column]):<{COLUMNS[column]}}" for column in columns}
    if "STATE" in texts:
        texts["STATE"] = click.style(texts["STATE"], fg=STATE_COLOURS.get(row.state))
    return "  ".join(texts.values()).rstrip()


def state_text(row: Row) -> str:
    """Return the state, and whose end it waits for."""
    if row.ended_reason:
        return f"{row.state}: {row.ended_reason}"
    if not row.wait:
        return row.state
    until = row.wait.get("until")
    when = f" ≤ {datetime.fromisoformat(until):%H:%M:%S}" if until else ""
    return f"{row.state}: {WAITS.get(row.wait.get('for', ''), '?')}{when}"


def age(now: datetime | None, moment: datetime | None) -> str:
    """Return how long ago something was."""
    return span(now - moment) if now and moment else ""
