"""The command line."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from threading import Event
from typing import Any

import click
import orjson

from flowmanager import __version__
from flowmanager.client import ClientError, FlowManagerClient
from flowmanager.client.errors import CLIENT_DOMAIN
from flowmanager.client.options import CallOptions
from flowmanager.demo import run_demo
from flowmanager.embedded import embedded_folder, embedded_settings
from flowmanager.errors import FlowManagerError
from flowmanager.logs import set_up_logs
from flowmanager.serve import PROCESS_NUMBER, check_settings, on_signals, serve_many, serve_one
from flowmanager.settings import Settings, read_settings
from flowmanager.store.engine import make_engine
from flowmanager.store.migrate import migrate as run_migrations
from flowmanager.stub_managers.run import serve_stubs
from flowmanager.transport.names import Names

embedded_option = click.option(
    "--embedded", is_flag=True, help="Need no server: SQLite and files in a folder of this user."
)


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """End a command with one clear sentence when it fails in a known way."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except FlowManagerError as error:
            click.echo(f"flowmanager: {error.sentence}", err=True)
            sys.exit(2)
        except ClientError as error:
            click.echo(f"flowmanager: {error.message}", err=True)
            sys.exit(2)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="flowmanager")
def main() -> None:
    """Run call flows: a RabbitMQ RPC worker on MySQL."""
    set_up_logs()


@main.command()
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--threads", type=click.IntRange(1, 256), help="Requests handled at the same time by each process.")
@embedded_option
@told
def serve(processes: int, threads: int | None, embedded: bool) -> None:
    """Serve requests and events until SIGTERM; then finish what is in hand."""
    settings = current_settings(embedded=embedded)
    if threads:
        settings = replace(settings, threads=threads)
    check_settings(settings)
    if embedded and PROCESS_NUMBER not in os.environ:
        apply_migrations(settings)
        click.echo(f"serving on {embedded_folder()}; speak to it with: flowmanager rpc GET '/v1/flows?page_size=10'")
    if processes == 1:
        sys.exit(serve_one(settings))
    arguments = ["serve", *(["--threads", str(threads)] if threads else []), *(["--embedded"] if embedded else [])]
    sys.exit(serve_many(arguments, processes, settings))


@main.command()
@embedded_option
@told
def migrate(embedded: bool) -> None:
    """Bring the database's tables to this version."""
    settings = current_settings(embedded=embedded)
    if not settings.database_dsn:
        check_settings(replace(settings, rabbitmq_address="unused"))
    apply_migrations(settings)
    click.echo("the tables are current")


@main.command()
@told
def demo() -> None:
    """Show an IVR call from beginning to end, without any server."""
    set_up_logs(level=logging.ERROR)
    run_demo()


@main.command("stub-managers")
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
def stub_managers(rules: tuple[str, ...], speed: float, embedded: bool) -> None:
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


@main.command()
@click.argument("method")
@click.argument("uri")
@click.argument("data", required=False)
@click.option("--seconds", default=5.0, show_default=True, help="How long to wait for the answer.")
@click.option("--request-id", default="", help="Name of the request: sent again it gets the first answer again.")
@told
def rpc(method: str, uri: str, data: str | None, seconds: float, request_id: str) -> None:
    """Send one request and show the answer. DATA is JSON; @FILE reads it from a file.

    It goes to RABBITMQ_ADDRESS where that is set, else to a worker that runs with --embedded.
    """
    settings = read_settings(os.environ)
    if not settings.rabbitmq_address:
        settings = embedded_settings(settings, embedded_folder())
    wanted = CallOptions(request_id=request_id) if request_id else CallOptions()
    body = json_of(data)
    with FlowManagerClient(
        settings.rabbitmq_address, publisher="cli", timeout=seconds, prefix=settings.queue_prefix
    ) as client:
        status, answer = answer_of(lambda: client.request(method.upper(), uri, body, **wanted))
    click.echo(f"{status}", err=True)
    if answer is not None:
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
    sys.exit(0 if status < 300 else 1)


def answer_of(ask: Callable[[], Any]) -> tuple[int, Any]:
    """Return status and data of an answer, an error's too. Raises ClientError when nobody answered."""
    try:
        return 200, ask()
    except ClientError as error:
        if error.domain == CLIENT_DOMAIN:
            raise
        return error.status_code, error.failure.data


def json_of(data: str | None) -> Any:
    """Return the JSON of an argument, or that of the file it names. Raises UsageError."""
    if not data:
        return None
    try:
        return orjson.loads(Path(data[1:]).read_bytes() if data.startswith("@") else data)
    except OSError as error:
        raise click.UsageError(f"DATA cannot be read: {error}") from error
    except ValueError as error:
        raise click.UsageError(f"DATA is not JSON: {error}") from error


def current_settings(*, embedded: bool) -> Settings:
    """Return the settings of this environment."""
    settings = read_settings(os.environ)
    return embedded_settings(settings, embedded_folder()) if embedded else settings


def apply_migrations(settings: Settings) -> None:
    """Bring the tables to this version."""
    engine = make_engine(settings.database_dsn, pool_size=1, statement_seconds=600.0)
    try:
        run_migrations(engine)
    finally:
        engine.dispose()
