"""The command line: what is in `commands` can be called; only the called command is imported."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import click

from flowmanager import __version__, commands
from flowmanager.logs import set_up_logs
from flowmanager.memory import all_kept


class Commands(click.Group):
    """The group of all commands, found by the names of their files."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click calls it so)
        """Return the names of all commands."""
        return sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None when there is no such one."""
        if cmd_name not in self.list_commands(ctx):
            return None
        with all_kept():
            module = import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}")
        found: click.Command = module.command
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="flowmanager")
def main() -> None:
    """Run call flows: a RabbitMQ RPC worker on MySQL."""
    set_up_logs()
