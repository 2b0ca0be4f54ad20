"""What the commands that ask a running service share; apart from the others, as a worker does without a client."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flowmanager.client import ClientError, ConnectionLost, FlowManagerClient, Timeout
from flowmanager.console import ending, told
from flowmanager.embedded import embedded_folder, embedded_settings
from flowmanager.settings import Settings, read_settings
from flowmanager.transport.connection import is_embedded
from flowmanager.transport.names import Names


def answered(command: Callable[..., Any]) -> Callable[..., Any]:
    """End a command with one clear sentence when it fails in a known way, also by what it was answered, or was not."""
    return told(ending(command, ClientError, unanswered))


def unanswered(error: ClientError) -> str:
    """Return an error of a request in one sentence; when nobody answered, with who was asked."""
    message = str(error.message)
    if isinstance(error, ConnectionLost):
        return f"{message.rstrip('.')}; `flowmanager doctor` says what to do"
    nobody = isinstance(error, Timeout) or error.reason == "UNREACHABLE"
    return f"{message}: {asked_whom()}" if nobody else message


def asked_whom() -> str:
    """Return who should have answered, never with the password."""
    settings = asked_settings()
    if is_embedded(settings.rabbitmq_address):
        return f"does `flowmanager serve --embedded` run, in {embedded_folder()}? RABBITMQ_ADDRESS names no server"
    queue, host = Names(settings.queue_prefix).request, urlsplit(settings.rabbitmq_address).hostname
    return f"does a worker take from {queue} at {host}? `flowmanager doctor` says what to do"


def asked_settings() -> Settings:
    """Return the settings of the service at RABBITMQ_ADDRESS, else of a worker that runs with --embedded."""
    settings = read_settings(os.environ)
    return settings if settings.rabbitmq_address else embedded_settings(settings, embedded_folder())


def asking_client(seconds: float) -> FlowManagerClient:
    """Return a client of the service at RABBITMQ_ADDRESS, else of a worker that runs with --embedded."""
    settings = asked_settings()
    return FlowManagerClient(settings.rabbitmq_address, publisher="cli", timeout=seconds, prefix=settings.queue_prefix)
