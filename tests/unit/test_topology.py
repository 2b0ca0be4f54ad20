"""Names on the broker, and which transport a URL means."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from flowmanager.errors import InvalidSetting
from flowmanager.transport.connection import is_embedded, transport_for
from flowmanager.transport.names import NAMES, Names


def test_names_are_those_of_the_platform() -> None:
    assert NAMES.queues == (
        "bin-manager.flow-manager.request",
        "bin-manager.flow-manager.event",
        "bin-manager.flow-manager.subscribe",
    )
    assert NAMES.dead == "bin-manager.flow-manager.dead"
    assert NAMES.delay == "bin-manager.delay"
    assert NAMES.request_queue("call") == "bin-manager.call-manager.request"


@pytest.mark.parametrize("manager", ["call", "queue", "ai", "conference", "transcribe", "customer"])
def test_events_of_these_managers_are_wanted(manager: str) -> None:
    assert f"bin-manager.{manager}-manager.event" in NAMES.subscribed_exchanges


def test_another_prefix_changes_every_name() -> None:
    names = Names("demo")
    every = (*names.own, names.delay, names.reply, names.event, *names.subscribed_exchanges)
    assert all(name.startswith("demo.") for name in every)


@pytest.mark.parametrize(
    ("url", "embedded"),
    [("amqp://h", False), ("amqps://h", False), ("memory://", True), ("filesystem:///tmp/x", True)],
)
def test_scheme_says_whether_a_broker_is_needed(url: str, embedded: bool) -> None:
    assert is_embedded(url) is embedded


@pytest.mark.parametrize("url", ["redis://h", "h:5672", "", "filesystem://", "filesystem:///"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidSetting):
        transport_for(url, heartbeat=0)


def client(url: str) -> Any:
    return transport_for(url, heartbeat=30).client


def test_amqp_has_limits_on_silence() -> None:
    options = client("amqp://guest:guest@h//").transport_options
    assert (options["read_timeout"], options["write_timeout"]) == (10, 10)
    assert options["client_properties"]["connection_name"].startswith("flow-manager ")


def test_tls_checks_the_brokers_certificate() -> None:
    assert client("amqps://guest:guest@h//").ssl == {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "h"}


def test_plain_amqp_has_no_tls() -> None:
    assert not client("amqp://guest:guest@h//").ssl


def test_folder_is_the_path_of_the_url(tmp_path: Path) -> None:
    assert client(f"filesystem://{tmp_path}/a%20b").transport_options["folder"] == f"{tmp_path}/a b"
