"""What the commands of the command line share: settings, and failures told in one sentence."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import Engine

from flowmanager.embedded import embedded_folder, embedded_settings
from flowmanager.errors import BrokerLost, FlowManagerError, StoreLost
from flowmanager.serve import check_settings, check_tables
from flowmanager.settings import Settings, read_settings
from flowmanager.store.engine import make_engine
from flowmanager.store.faults import translated
from flowmanager.store.standing import migrations_in, migrations_known, standing
from flowmanager.store.versions import Standing

embedded_option = click.option(
    "--embedded", is_flag=True, help="Need no server: SQLite and files in a folder of this user."
)


Error = TypeVar("Error", bound=Exception)

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST = 36_500 * UNITS["d"]
"""Dates before the year 1 cannot be written."""


class Age(click.ParamType[float]):
    """A length of time such as 90d, in seconds."""

    name = "age"

    def __init__(self, *, least: int = 0) -> None:
        self.least = least

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        found = re.fullmatch(r"(\d{1,9})([smhdw])", value)
        if found is None or int(found[1]) < self.least:
            self.fail(f"{value!r} is not a time such as 90d, 12h, 30m or 45s.", param, ctx)
        seconds = int(found[1]) * UNITS[found[2]]
        if seconds > LONGEST:
            self.fail(f"{value!r} is longer than 100 years.", param, ctx)
        return float(seconds)


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """End a command with one clear sentence when it fails in a known way."""
    return ending(command, FlowManagerError, explained)


def ending(command: Callable[..., Any], kind: type[Error], sentence: Callable[[Error], str]) -> Callable[..., Any]:
    """Return a command that ends with the sentence about its failure when that is of a kind."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except kind as error:
            click.echo(f"flowmanager: {sentence(error)}", err=True)
            sys.exit(2)

    return run


def explained(error: FlowManagerError) -> str:
    """Return an error in one sentence; a server that is out of reach with why, and what to do."""
    if not isinstance(error, BrokerLost | StoreLost):
        return str(error.sentence)
    why = f": {error.facts['why']}" if "why" in error.facts else ""
    return f"{error.sentence.rstrip('.')}{why}; `flowmanager doctor` says what to do"


def current_settings(*, embedded: bool) -> Settings:
    """Return the settings of this environment."""
    settings = read_settings(os.environ)
    return embedded_settings(settings, embedded_folder()) if embedded else settings


def database_settings(*, embedded: bool) -> Settings:
    """Return the settings of this environment for what needs the database only. Raises InvalidSetting without one."""
    settings = current_settings(embedded=embedded)
    if not settings.database_dsn:
        check_settings(replace(settings, rabbitmq_address="unused"))
    return settings


def require_tables(settings: Settings) -> None:
    """Raise InvalidSetting when the program cannot work on the tables, StoreLost without a database."""
    engine = make_engine(settings.database_dsn, pool_size=1)
    try:
        check_tables(standing(engine))
    finally:
        engine.dispose()


def written(text: str, out: Path | None) -> None:
    """Print a text, without colours where nobody would see them, or write it into a file and say so."""
    if out is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(f"{click.unstyle(text).rstrip()}\n")
    click.echo(f"written: {out}", err=True)


def apply_migrations(settings: Settings, *, before: Callable[[Sequence[str]], None] | None = None) -> Standing:
    """Bring the tables to this version; return how they stand now. `before`: told which migrations are to be done."""
    engine = make_engine(settings.database_dsn, pool_size=1, statement_seconds=600.0)
    try:
        if before:
            before(missing_migrations(engine))
        # Imported by who needs it: it brings Alembic, which a worker does without.
        migrate: Callable[[Engine], Standing] = import_module("flowmanager.store.migrate").migrate
        return migrate(engine)
    finally:
        engine.dispose()


def missing_migrations(engine: Engine) -> Sequence[str]:
    """Return the migrations that the tables lack, the first one first; none on tables of a newer version."""
    with translated(), engine.connect() as connection:
        found = migrations_in(connection)
    return sorted(one for one in migrations_known() if one > max(found, default=""))
