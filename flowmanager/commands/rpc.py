"""`flowmanager rpc`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from flowmanager.asking import answered, asked_settings, asking_client
from flowmanager.client import ClientError
from flowmanager.client.errors import CLIENT_DOMAIN
from flowmanager.client.options import CallOptions
from flowmanager.ports import Ask
from flowmanager.transport.link import StandingLink, open_link
from flowmanager.transport.names import Names


@click.command()
@click.argument("method")
@click.argument("uri")
@click.argument("data", required=False)
@click.option("--seconds", default=5.0, show_default=True, help="How long to wait for the answer.")
@click.option("--request-id", default="", help="Name of the request: sent again it gets the first answer again.")
@click.option("--only", default="", metavar="FIELD", help="Print one field of the answer, such as id, as a plain text.")
@click.option("--to", default="", metavar="MANAGER", help="Ask another manager, such as call; for stub managers.")
@answered
def command(method: str, uri: str, data: str | None, only: str, **options: Any) -> None:
    """Send one request and show the answer. DATA is JSON; @FILE reads it from a file.

    It goes to RABBITMQ_ADDRESS where that is set, else to a worker that runs with --embedded.
    """
    status, answer = asked(Ask(peer=options["to"], method=method.upper(), uri=uri, body=json_of(data)), **options)
    click.echo(f"{status}", err=True)
    if answer is not None:
        click.echo(shown(answer, only if status < 300 else ""))
    sys.exit(0 if status < 300 else 1)


def asked(ask: Ask, *, to: str, seconds: float, request_id: str) -> tuple[int, Any]:
    """Return status and data of the answer of flow-manager, or of the manager `to`. Raises when there is none."""
    if to:
        with closing(other_link()) as link:
            return 200, link.call(replace(ask, seconds=seconds, key=request_id))
    wanted = CallOptions(request_id=request_id) if request_id else CallOptions()
    with asking_client(seconds) as client:
        return answer_of(lambda: client.request(ask.method, ask.uri, ask.body, **wanted))


def other_link() -> StandingLink:
    """Return a link to the managers on the same broker."""
    settings = asked_settings()
    return open_link(settings.rabbitmq_address, names=Names(settings.queue_prefix))


def shown(answer: Any, only: str) -> str:
    """Return the data of an answer as people read them, or the field that is wanted. Raises UsageError without it."""
    if not only:
        return orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    if not isinstance(answer, Mapping) or only not in answer:
        raise click.UsageError(f"--only {only}: the answer has no such field")
    value = answer[only]
    return value if isinstance(value, str) else orjson.dumps(value).decode()


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
