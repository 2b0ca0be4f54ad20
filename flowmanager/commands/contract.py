"""`flowmanager contract`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import click
import orjson

from flowmanager.catalogue import catalogue
from flowmanager.console import told
from flowmanager.contract.actions_page import actions_page
from flowmanager.contract.asyncapi import document
from flowmanager.contract.commands_page import commands_page
from flowmanager.contract.page import messages_page


def asyncapi() -> str:
    """Return the AsyncAPI document. Raises UsageError without PyYAML."""
    try:
        from flowmanager.contract.yaml_text import yaml_text  # noqa: PLC0415 (a worker is installed without PyYAML)
    except ImportError as error:
        raise click.UsageError("YAML needs PyYAML: pip install 'flowmanager[simulate]'") from error
    return yaml_text(document())


def schemas() -> str:
    """Return the options of every action type as JSON Schema, by type."""
    found = {one["type"]: one["option"] for one in catalogue()}
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"


def commands() -> str:
    """Return the page of all commands: of the program that runs."""
    program = click.get_current_context().find_root().command
    return commands_page(cast(click.Group, program))


PARTS: Mapping[str, Callable[[], str]] = {
    "asyncapi": asyncapi,
    "schemas": schemas,
    "page": messages_page,
    "actions": actions_page,
    "commands": commands,
}


@click.command()
@click.argument("part", type=click.Choice(list(PARTS)))
@click.option("--check", type=click.Path(path_type=Path), metavar="FILE", help="Only say whether FILE is up to date.")
@told
def command(part: str, check: Path | None) -> None:
    """Write the contract with other programs, from the code.

    asyncapi: every request, answer and event as AsyncAPI 3. schemas: the options of every action as JSON Schema.
    page, actions, commands: the messages, the actions, the command line, for people.
    """
    made = PARTS[part]()
    if check is None:
        click.echo(made, nl=False)
    elif not is_current(check, made):
        click.echo(f"{check} is not what the code says: run `flowmanager contract {part} > {check}`", err=True)
        sys.exit(1)


def is_current(path: Path, made: str) -> bool:
    """Say whether a file holds what is made. A file that is not there holds nothing."""
    return path.is_file() and path.read_text() == made
