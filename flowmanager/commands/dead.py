"""`flowmanager dead`: the messages that nobody could handle."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import click
import orjson

from flowmanager.console import current_settings, embedded_option, told
from flowmanager.errors import NotReplayed
from flowmanager.serve import check_settings
from flowmanager.transport.dead import DeadQueue
from flowmanager.transport.envelope import Delivery
from flowmanager.transport.names import Names
from flowmanager.transport.parked import Json, summary, title, whole
from flowmanager.transport.session import Session

numbers_argument = click.argument("numbers", nargs=-1, type=click.IntRange(min=1), metavar="[NUMBER]...")
all_option = click.option("--all", "every", is_flag=True, help="All that are there now.")


@click.group(short_help="Look at, send back or drop what nobody could handle.")
def command() -> None:
    """Look at messages that nobody could handle, send them back to their queues, or drop them.

    They are numbered from the oldest, beginning with 1. What is replayed or dropped leaves the list, so the numbers of
    those behind it change. While one command runs, another one does not see the messages that it holds.
    """


@command.command("list", short_help="Show what is parked, the oldest first.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="The oldest so many.")
@click.option("--json", "as_json", is_flag=True, help="An array of objects instead of lines.")
@embedded_option
@told
def list_parked(limit: int, as_json: bool, embedded: bool) -> None:
    """Show what is parked, the oldest first: since when, from where, why, and the beginning of each. Removes nothing.

    Secrets that can be recognized are masked.
    """
    with opened(embedded=embedded) as dead:
        size = dead.size()
        found = [summary(number, parked) for number, parked in held(dead) if number <= limit]
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for one in found:
        click.echo(line(one))
        click.echo(f"     why:  {one['reason']}\n     body: {one['body']}")
    more = size - len(found)
    click.echo(f"{more} more: --limit {size} shows them" if more > 0 else f"{len(found)} in the dead queue", err=True)


@command.command("show")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--raw", is_flag=True, help="Only the body, byte for byte, with its secrets.")
@embedded_option
@told
def show_parked(number: int, raw: bool, embedded: bool) -> None:
    """Show one message with its properties and its body. Removes nothing."""
    with opened(embedded=embedded) as dead:
        check_there(dead, [number])
        [parked] = [one for place, one in held(dead) if place == number]
    if raw:
        sys.stdout.buffer.write(parked.body)
        return
    for name, value in summary(number, parked).items():
        if name != "body":
            click.echo(f"{name}: {value}")
    click.echo(whole(parked.body))


@command.command("replay")
@numbers_argument
@all_option
@embedded_option
@told
def replay(numbers: tuple[int, ...], every: bool, embedded: bool) -> None:
    """Send messages back to the queues they came from.

    A message is removed only when the broker has confirmed that it is in its queue: if this is killed in between it is
    in both, and never lost. What fails again comes back, as the newest.
    """
    with opened(embedded=embedded) as dead:
        done = [
            replayed(dead, number, parked) for number, parked in chosen_of(dead, wanted(dead, numbers, every=every))
        ]
    click.echo(f"replayed {sum(done)} of {len(done)}")
    sys.exit(0 if all(done) else 1)


@command.command("drop")
@numbers_argument
@all_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@embedded_option
@told
def drop(numbers: tuple[int, ...], every: bool, yes: bool, embedded: bool) -> None:
    """Remove messages for good, after asking."""
    with opened(embedded=embedded) as dead:
        chosen = []
        for number, parked in chosen_of(dead, wanted(dead, numbers, every=every)):
            click.echo(line(summary(number, parked)))
            chosen.append(replace(parked, body=b""))
        if chosen and not yes:
            click.confirm(f"drop {'these' if len(chosen) > 1 else 'this'} {len(chosen)} for good?", abort=True)
        for parked in chosen:
            dead.drop(parked)
    click.echo(f"dropped {len(chosen)}")


@contextmanager
def opened(*, embedded: bool) -> Iterator[DeadQueue]:
    """The dead queue of this environment's broker; what was not removed is in its place again afterwards."""
    settings = current_settings(embedded=embedded)
    check_settings(replace(settings, database_dsn="unused"))
    # No heartbeat: while a person thinks about a question, nobody would send it.
    with closing(Session(settings.rabbitmq_address, heartbeat=0)) as session:
        yield DeadQueue(session, names=Names(settings.queue_prefix))


def held(dead: DeadQueue, keep: Collection[int] = ()) -> Iterator[tuple[int, Delivery]]:
    """Yield all messages with their numbers; afterwards those that are not to be kept in hand go back.

    All, because replicated queues put what is returned behind what was never taken, and the numbers would change.
    """
    returned = []
    for number, parked in enumerate(dead.take(dead.size()), 1):
        yield number, parked
        if number not in keep:
            returned.append(replace(parked, body=b""))
    dead.give_back(returned)


def wanted(dead: DeadQueue, numbers: Collection[int], *, every: bool) -> Collection[int]:
    """Return the numbers that are asked for. Raises UsageError when nobody said which, or one is not there."""
    if bool(numbers) == every:
        raise click.UsageError("say which: their numbers, as `flowmanager dead list` shows them, or --all")
    check_there(dead, numbers)
    return range(1, dead.size() + 1) if every else set(numbers)


def check_there(dead: DeadQueue, numbers: Collection[int]) -> None:
    """Raise UsageError for a number that is not there."""
    size = dead.size()
    if max(numbers, default=0) > size:
        raise click.UsageError(f"there is no message {max(numbers)}: the dead queue holds {size}")


def chosen_of(dead: DeadQueue, numbers: Collection[int]) -> Iterator[tuple[int, Delivery]]:
    """Yield messages by number; they are in hand until they are replayed or dropped, or the session closes."""
    for number, parked in held(dead, numbers):
        if number in numbers:
            yield number, parked


def replayed(dead: DeadQueue, number: int, parked: Delivery) -> bool:
    """Send one message back and say so; False: it stays."""
    shown = title(summary(number, parked))
    try:
        click.echo(f"{number:>4} {shown} -> {dead.replay(parked)}")
    except NotReplayed as error:
        click.echo(f"{number:>4} {shown} stays: {error.sentence}", err=True)
        return False
    return True


def line(shown: Json) -> str:
    """Return one message in one line."""
    size = f"{shown['bytes']} bytes" + ("" if shown["whole"] else ", only the beginning was kept")
    return (
        f"{shown['number']:>4} {shown['parked_at'] or 'at an unknown time'}  {shown['queue']}  {title(shown)}  ({size})"
    )
