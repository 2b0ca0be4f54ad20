"""The dashboard and the alert rules: well-formed, and about metrics that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from flowmanager.metrics import Metrics

ROOT = Path(__file__).parents[2]
ALERTS: Any = yaml.safe_load((ROOT / "config" / "prometheus" / "alerts.yml").read_text())
DASHBOARD: Any = json.loads((ROOT / "config" / "grafana" / "flow-manager.json").read_text())
RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
QUEUE = {"queue"}
OTHERS = {
    "up": {"job", "instance"},
    "rabbitmq_queue_messages_ready": QUEUE,
    "rabbitmq_queue_consumers": QUEUE,
}
"""Metrics of Prometheus and RabbitMQ."""
OF_JOB = {"job", "instance"}
SELECTED = re.compile(r"\b(up|(?:flow_manager|rabbitmq)_\w+)")
GROUPED = re.compile(r"by \(([^)]*)\)")


def known() -> dict[str, set[str]]:
    """Every series that workers show, with its labels."""
    found: dict[str, set[str]] = {}
    for name, labels in metric_labels():
        found |= {name: labels, f"{name}_total": labels}
        found |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    return found | OTHERS


def metric_labels() -> Iterator[tuple[str, set[str]]]:
    """The name of each metric as the page shows it, and its labels."""
    for one in vars(Metrics()).values():
        if hasattr(one, "_labelnames"):
            yield one._name, {*one._labelnames, *OF_JOB}


def queries() -> Iterator[tuple[str, str]]:
    """Every query, with where it stands."""
    yield from ((name, rule["expr"]) for name, rule in RULES.items())
    yield from ((title, target["expr"]) for title, panel in PANELS.items() for target in panel["targets"])


QUERIES = list(queries())


@pytest.mark.parametrize(("where", "query"), QUERIES)
def test_queries_can_be_read(where: str, query: str) -> None:
    """By the language of Prometheus; Grafana's variables are put in before."""
    del where
    assert promql_parser.parse(query.replace("$__rate_interval", "5m").replace("$job", "flow-manager"))


@pytest.mark.parametrize(("where", "query"), QUERIES)
def test_queries_are_about_metrics_that_exist(where: str, query: str) -> None:
    """And group by labels that these have."""
    del where
    series = set(SELECTED.findall(query))
    assert series <= known().keys()
    labels = {label.strip() for group in GROUPED.findall(query) for label in group.split(",") if label.strip()}
    assert labels <= set.union(*(known()[name] for name in series))


def test_every_metric_is_on_the_dashboard() -> None:
    """But for what only tells about bad initial variables, changes of flows and of breakers."""
    shown = " ".join(query for _, query in QUERIES)
    hidden = {name for name, _ in metric_labels() if name not in shown}
    assert hidden == {
        "flow_manager_activeflow_variable_injection",
        "flow_manager_circuitbreaker_state_transitions",
        "flow_manager_flow_crud",
    }


@pytest.mark.parametrize("name", RULES)
def test_alerts_say_what_to_do(name: str) -> None:
    """To whom it goes, what is the matter, where to look; labels in their text are those of the query."""
    rule = RULES[name]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"summary", "description"}
    told = re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))
    assert all(re.search(rf"by \({label}\)", rule["expr"]) or label in OF_JOB for label in told)


def test_panels_lie_beside_each_other() -> None:
    """Each with an id and a description of its own, none over another."""
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    fields = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(fields) == len(set(fields))
    assert all(x < 24 for x, _ in fields)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["description"].endswith(".") for panel in PANELS.values())
