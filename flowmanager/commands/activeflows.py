"""`flowmanager activeflows`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from time import sleep
from typing import Any

import click
import orjson

from flowmanager.asking import answered, asking_client
from flowmanager.client import ClientError, FlowManagerClient, NotFound, Overview
from flowmanager.console import Age
from flowmanager.core.activeflow import State
from flowmanager.core.ids import NIL, Id
from flowmanager.trace.overview import WIDE, heading, table

WATCH_SECONDS = 1.0
HOME_AND_CLEAR = "\x1b[H\x1b[J"
OVER = (State.ENDED.value, State.ERROR.value)


@dataclass(slots=True)
class Board:
    """Asks for the list again and again; the names of flows are asked for once."""

    client: FlowManagerClient
    filters: Mapping[str, Any]
    older_than: float | None
    """Seconds."""
    limit: int
    names: dict[Id, str] = field(default_factory=dict)

    def rows(self) -> tuple[Overview, ...]:
        """Return what is to be shown now. Raises ClientError."""
        before = datetime.now(UTC) - timedelta(seconds=self.older_than) if self.older_than else None
        return self.client.activeflows.overview(self.filters, created_before=before, limit=self.limit)

    def name(self, flow_id: Id) -> str:
        """Return the name of a flow. Raises ClientError."""
        if flow_id not in self.names:
            self.names[flow_id] = self.asked_name(flow_id) if flow_id != NIL else ""
        return self.names[flow_id]

    def asked_name(self, flow_id: Id) -> str:
        """Ask for the name of a flow; one that is gone has none. Raises ClientError."""
        try:
            return self.client.flows.get(flow_id).name
        except NotFound:
            return ""

    def page(self, *, lines: int | None) -> str:
        """Return the table. `lines`: as many as there is room for. Raises ClientError."""
        rows = self.rows()
        room = len(rows) if lines is None else max(lines, 1)
        names = {row.flow_id: self.name(row.flow_id) for row in rows[:room]}
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
        shown = table(rows[:room], names, left=len(rows) - room, width=width)
        return "\n".join([heading(rows, more=len(rows) >= self.limit), *shown])


@click.command(short_help="List running activeflows, and what each waits for.")
@click.option("--customer", help="Only of this customer.")
@click.option("--reference", help="Only of this call, conversation, …")
@click.option("--flow", help="Only of this flow.")
@click.option("--state", type=click.Choice([one.value for one in State]), help="Default: all that have not ended.")
@click.option("--older-than", type=Age(), help="Only those created longer ago than 90s, 5m, 2h or 1d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many, newest first.")
@click.option("--watch", is_flag=True, help="Show it anew each second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
@click.option("--seconds", default=5.0, show_default=True, help="How long to wait for an answer.")
@answered
def command(watch: bool, as_json: bool, seconds: float, **options: Any) -> None:
    """List running activeflows: where each stands, what it waits for, and for how long.

    `flowmanager trace ID` tells more of one. It asks the service at RABBITMQ_ADDRESS where that is set, else a worker
    that runs with --embedded.
    """
    with asking_client(seconds) as client:
        board = Board(client, filters_of(options), options["older_than"], options["limit"])
        if as_json:
            click.echo(orjson.dumps([row_json(row) for row in board.rows()], option=orjson.OPT_INDENT_2).decode())
        elif watch:
            show_again(board)
        else:
            click.echo(board.page(lines=None))


def filters_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters of a request."""
    names = {"customer": "customer_id", "reference": "reference_id", "flow": "flow_id", "state": "state"}
    chosen = {name: options[option] for option, name in names.items() if options[option]}
    status = "ended" if options["state"] in OVER else "running"
    return {"deleted": False, "status": status, **chosen}


def row_json(row: Overview) -> Mapping[str, Any]:
    """Return a row for programs."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__ if name != "now"}


def show_again(board: Board, rest: Callable[[float], None] = sleep, rounds: int | None = None) -> None:
    """Show the table in place until Ctrl-C. A service that does not answer is asked again."""
    try:
        for _ in count() if rounds is None else range(rounds):
            text = page_or_failure(board, shutil.get_terminal_size().lines - 4)
            click.echo(f"{HOME_AND_CLEAR if sys.stdout.isatty() else ''}{text}")
            rest(WATCH_SECONDS)
    except KeyboardInterrupt:
        click.echo()


def page_or_failure(board: Board, lines: int) -> str:
    """Return the table, or what is wrong."""
    try:
        return board.page(lines=lines)
    except ClientError as error:
        return click.style(f"flowmanager: {error.message.rstrip('.')}; asking again", fg="red")
