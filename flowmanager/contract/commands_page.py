"""The page of all commands, as their own help tells them."""

from __future__ import annotations

from collections.abc import Iterator

import click

WIDTH = 100
INTRODUCTION = """\
<!-- Written by `flowmanager contract`; do not edit. -->
# Commands

Each command says the same with `--help`. What is wrong is told in one sentence, with exit status 2 unless the command
says otherwise. Settings come from the environment: see [operations](../operations.md#settings).
"""


def commands_page(group: click.Group) -> str:
    """Return the page about a group and everything in it."""
    context = click.Context(group, info_name="flowmanager", terminal_width=WIDTH, **group.context_settings)
    found = list(helps(group, context))
    links = " · ".join(f"[{name}](#{name.replace(' ', '-')})" for name, _ in found)
    return "\n".join([INTRODUCTION, links, *(section(name, text) for name, text in found), ""])


def section(name: str, text: str) -> str:
    """Return what is said about one command."""
    return f"\n## {name}\n\n```text\n{text}\n```"


def helps(group: click.Group, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield name and help of every command, those of groups behind their group."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH)
        yield inner.command_path.removeprefix("flowmanager "), command.get_help(inner)
        if isinstance(command, click.Group):
            yield from helps(command, inner)
