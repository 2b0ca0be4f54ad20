"""The files for containers: what they say agrees with the program and with each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from flowmanager.doctor.settings import RULES
from flowmanager.settings import Settings, read_settings, variable_of
from flowmanager.transport.names import NAMES

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "config" / "kubernetes"
COMPOSE: Any = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
STOPPING_SECONDS = Settings().stop_seconds + 5.0
"""How long `serve` may take to end."""
OF_OTHERS = ("kustomize.config.k8s.io/", "keda.sh/")
"""Kinds that do not belong to Kubernetes itself."""


def manifest(name: str) -> Any:
    """A file of the manifests."""
    return yaml.safe_load((KUBERNETES / f"{name}.yaml").read_text())


MANIFESTS = sorted(path.stem for path in KUBERNETES.glob("*.yaml"))
OWN = [name for name in MANIFESTS if not manifest(name)["apiVersion"].startswith(OF_OTHERS)]
POD = manifest("deployment")["spec"]["template"]["spec"]
JOB = manifest("migrate-job")["spec"]["template"]["spec"]


def instructions(name: str) -> list[str]:
    """What stands behind an instruction of the Dockerfile, each time."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(f"{name} ").strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_the_image_runs_as_nobody_and_stops_in_order() -> None:
    """The user is a number, so that Kubernetes can see that it is not root; the base is pinned."""
    assert instructions("USER") == ["10001:10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert re.fullmatch(r"BASE=python:\d+\.\d+\.\d+-slim-\w+", instructions("ARG")[0])
    assert instructions("FROM") == ["${BASE} AS build", "${BASE}"]
    (check,) = instructions("HEALTHCHECK")
    assert "/livez" in check
    (port,) = instructions("EXPOSE")
    assert f"PROMETHEUS_LISTEN_ADDRESS=:{port}" in DOCKERFILE


def test_what_is_copied_into_the_image_is_sent_to_the_engine() -> None:
    """And nothing else; each of it exists."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]}
    assert sent == copied
    assert all((ROOT / name).exists() for name in copied)


def test_services_of_compose_wait_for_what_they_need() -> None:
    """Each condition is one that the other can meet."""
    services = COMPOSE["services"]
    assert set(services) == {"mysql", "rabbitmq", "migrate", "stub-managers", "worker"}
    for service in services.values():
        for name, needed in service.get("depends_on", {}).items():
            assert needed["condition"] != "service_healthy" or "test" in services[name]["healthcheck"]
    assert float(services["worker"]["stop_grace_period"].removesuffix("s")) > STOPPING_SECONDS


def test_compose_gives_settings_that_can_be_read() -> None:
    """The addresses name its own services."""
    settings = read_settings(COMPOSE["x-flowmanager"]["environment"])
    assert "@rabbitmq:5672/" in settings.rabbitmq_address
    assert "@mysql:3306/" in settings.database_dsn


def test_compose_and_the_tests_servers_are_the_same() -> None:
    """What is extended exists there, with its volumes."""
    servers = yaml.safe_load((ROOT / "config" / "docker-compose.yml").read_text())
    for name in ("mysql", "rabbitmq"):
        assert COMPOSE["services"][name]["extends"] == {"file": "config/docker-compose.yml", "service": name}
        assert name in servers["services"]
    assert COMPOSE["volumes"] == servers["volumes"]


@pytest.mark.parametrize("name", OWN)
def test_manifests_are_of_the_form_that_kubernetes_takes(name: str) -> None:
    """Strictly: a field that it does not know is a mistake."""
    kubernetes_validate.validate(manifest(name), kubernetes_validate.latest_version(), strict=True)


def test_every_manifest_is_applied() -> None:
    """But for the example of a secret."""
    listed = {path.removesuffix(".yaml") for path in manifest("kustomization")["resources"]}
    assert listed == set(MANIFESTS) - {"kustomization", "secret.example"}


def test_a_pod_has_time_to_finish() -> None:
    """Longer than the setting and what `serve` adds to it."""
    settings = read_settings(manifest("configmap")["data"])
    assert POD["terminationGracePeriodSeconds"] > settings.stop_seconds + 5.0
    assert not [rule.finding for rule in RULES if rule.broken(settings)]


def test_settings_of_the_manifests_exist() -> None:
    """By their names."""
    known = {variable_of(name) for name in Settings.__dataclass_fields__}
    assert set(manifest("configmap")["data"]) | set(manifest("secret.example")["stringData"]) <= known


@pytest.mark.parametrize("pod", [POD, JOB], ids=["worker", "migrate"])
def test_pods_may_do_nothing_that_they_need_not(pod: Any) -> None:
    """No root, no way to become it, no token, no writing; the user of the image."""
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in instructions("USER")
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} == set(container["resources"])


def test_probes_ask_where_the_worker_listens() -> None:
    """At the port of the settings; only what stands still for good is killed."""
    (container,) = POD["containers"]
    (port,) = container["ports"]
    assert manifest("configmap")["data"]["PROMETHEUS_LISTEN_ADDRESS"] == f":{port['containerPort']}"
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/livez",
        "liveness": "/livez",
        "readiness": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {port["name"]}


def test_the_same_pods_are_meant_everywhere() -> None:
    """By deployment, budget and autoscaler."""
    deployment = manifest("deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert manifest("poddisruptionbudget")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("scaledobject")["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]


def test_the_autoscaler_looks_at_our_queues() -> None:
    """By the names that they have unless the prefix is changed, with the address of the worker."""
    triggers = [trigger["metadata"] for trigger in manifest("scaledobject")["spec"]["triggers"]]
    assert {trigger["queueName"] for trigger in triggers} <= set(NAMES.queues)
    assert {trigger["hostFromEnv"] for trigger in triggers} == {"RABBITMQ_ADDRESS"}
