"""`flowmanager rpc`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson

from flowmanager.client import ClientError
from flowmanager.client.errors import CLIENT_DOMAIN
from flowmanager.client.options import CallOptions
from flowmanager.console import asking_client, told


@click.command()
@click.argument("method")
@click.argument("uri")
@click.argument("data", required=False)
@click.option("--seconds", default=5.0, show_default=True, help="How long to wait for the answer.")
@click.option("--request-id", default="", help="Name of the request: sent again it gets the first answer again.")
@told
def command(method: str, uri: str, data: str | None, seconds: float, request_id: str) -> None:
    """Send one request and show the answer. DATA is JSON; @FILE reads it from a file.

    It goes to RABBITMQ_ADDRESS where that is set, else to a worker that runs with --embedded.
    """
    wanted = CallOptions(request_id=request_id) if request_id else CallOptions()
    body = json_of(data)
    with asking_client(seconds) as client:
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
