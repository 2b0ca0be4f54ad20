"""`flowmanager stub-managers`."""

from __future__ import annotations

from threading import Event

import click

from flowmanager.console import current_settings, embedded_option, told
from flowmanager.serve import check_settings, on_signals
from flowmanager.stub_managers.run import serve_stubs
from flowmanager.transport.names import Names


@click.command(short_help="Play the other managers, for trying out.")
@click.option(
    "--rule", "rules", multiple=True, help="Misbehave, e.g. 'queue POST /v1/services/type/queuecall fail=503'."
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="2 halves every delay.",
)
@embedded_option
@told
def command(rules: tuple[str, ...], speed: float, embedded: bool) -> None:
    """Play call-, queue-, ai-, message-, email-, webhook-, conference-, direct-manager and others until SIGTERM."""
    settings = current_settings(embedded=embedded)
    if not settings.rabbitmq_address:
        check_settings(settings)
    stopping = Event()
    on_signals(stopping)
    names = Names(settings.queue_prefix)
    stubs = serve_stubs(settings.rabbitmq_address, rules=rules, speed=speed, names=names)
    click.echo("stub managers are serving")
    stopping.wait()
    stubs.stop()
