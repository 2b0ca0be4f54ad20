"""Prometheus metrics, named as dashboards of the reference service know them, transposed letters included."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

NAMESPACE = "flow_manager"
MILLISECONDS = (50.0, 100.0, 500.0, 1000.0, 3000.0, float("inf"))
LIFETIMES = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, float("inf"))
ITERATIONS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, float("inf"))

REMEMBERED = 1024
"""Combinations of labels of one metric."""


def counter(name: str, about: str, *labels: str) -> Any:
    """Declare a counter."""
    return partial(Counter, name, about, labels, namespace=NAMESPACE)


def gauge(name: str, about: str, *labels: str) -> Any:
    """Declare a value that goes up and down."""
    return partial(Gauge, name, about, labels, namespace=NAMESPACE)


def histogram(name: str, about: str, *labels: str, buckets: tuple[float, ...] = MILLISECONDS) -> Any:
    """Declare a histogram; of durations in milliseconds unless `buckets` say else."""
    return partial(Histogram, name, about, labels, namespace=NAMESPACE, buckets=buckets)


class Metrics:
    """All metrics of one process, in a registry of their own. A line declares one; it is made with the object."""

    # Requests and events
    receive_request: Histogram = histogram("receive_request_process_time", "Handling of a request.", "type", "method")
    receive_event: Histogram = histogram(
        "receive_subscribe_event_process_time", "Handling of an event.", "publisher", "type"
    )
    repeated: Counter = counter("answer_repeated_total", "Requests answered again with their first answer.")
    malformed: Counter = counter("malformed_total", "Messages that could not be read.", "queue")
    unmatched_events: Counter = counter("event_unmatched_total", "Events for no running activeflow.", "type")
    discarded: Counter = counter("stale_total", "Commands and events that came too late.", "command")
    relief_threads: Gauge = gauge("relief_threads", "Threads that step in for those that wait for other managers.")
    crowd_moved: Counter = counter(
        "crowd_moved_total", "Requests moved behind others because their customer occupied enough threads."
    )

    # Flows and activeflows
    flow_crud: Counter = counter("flow_crud_total", "Changes of flows.", "operation")
    activeflow_created: Counter = counter("activeflow_created_total", "Created activeflows.", "reference_type")
    activeflow_ended: Counter = counter("activeflow_ended_total", "Ended activeflows.", "reference_type")
    activeflow_running: Gauge = gauge(
        "activeflow_running", "Activeflows begun minus ended in this process.", "reference_type"
    )
    activeflow_duration: Histogram = histogram(
        "activeflow_duration_seconds", "Life of an activeflow.", "reference_type", buckets=LIFETIMES
    )
    activeflow_iterations: Histogram = histogram(
        "activeflow_execute_iterations", "Actions of one turn.", "reference_type", buckets=ITERATIONS
    )
    variable_injection: Counter = counter(
        "activeflow_variable_injection_total", "Initial variables given with a creation.", "outcome"
    )
    taken_over: Counter = counter("taken_over_total", "Turns taken over from a lost worker.")

    # Actions
    action_executed: Counter = counter("action_executed_total", "Executed actions.", "type")
    action_error: Counter = counter("action_error_total", "Actions that ended their flow.", "type")
    action_dispatch: Counter = counter("action_dispatch_total", "Actions given to another manager.", "target", "type")
    action_duration: Histogram = histogram("action_exeucte_duration", "Execution of an action.", "type")

    # Other managers
    request: Histogram = histogram("request_process_time", "A request to a peer.", "target", "resource", "method")
    circuit_state: Gauge = gauge(
        "circuitbreaker_state",
        "Whether a peer is asked: 0 yes (closed), 1 no (open), 2 one call tries (half-open).",
        "target",
    )
    circuit_transitions: Counter = counter(
        "circuitbreaker_state_transitions_total", "Changes of a circuit breaker.", "target", "from", "to"
    )
    circuit_rejected: Counter = counter("circuitbreaker_rejected_total", "Calls an open breaker refused.", "target")
    bulkhead_rejected: Counter = counter(
        "bulkhead_rejected_total", "Calls refused because as many as allowed wait for that peer.", "target"
    )

    # What is sent, and what is waited for
    notify: Histogram = histogram("notify_process_time", "Publishing of events.", "type")
    notify_total: Counter = counter("notify_total", "Published messages.", "type")
    event_publish: Counter = counter("event_publish_total", "Published events.", "event_type")
    waiting: Gauge = gauge(
        "waiting_seconds", "How long this process has been waiting for broker or database; 0: it is not.", "part"
    )

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for name, make in vars(Metrics).items():
            if isinstance(make, partial):
                made = make(registry=self.registry)
                # Found each time anew, the few values of a metric's labels take 2 % of the worker's time for a step.
                made.labels = lru_cache(maxsize=REMEMBERED)(made.labels)
                setattr(self, name, made)
