"""Prometheus metrics, named as dashboards of the reference service know them, transposed letters included."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

NAMESPACE = "flow_manager"
MILLISECONDS = (50.0, 100.0, 500.0, 1000.0, 3000.0, float("inf"))
LIFETIMES = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, float("inf"))
ITERATIONS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, float("inf"))


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.receive_request = self.milliseconds(
            "receive_request_process_time", "Handling of a request.", "type", "method"
        )
        self.receive_event = self.milliseconds(
            "receive_subscribe_event_process_time", "Handling of an event.", "publisher", "type"
        )
        self.request = self.milliseconds("request_process_time", "A request to a peer.", "target", "resource", "method")
        self.action_duration = self.milliseconds("action_exeucte_duration", "Execution of an action.", "type")
        self.notify = self.milliseconds("notify_process_time", "Publishing of events.", "type")
        self.notify_total = self.counter("notify_total", "Published messages.", "type")
        self.event_publish = self.counter("event_publish_total", "Published events.", "event_type")
        self.flow_crud = self.counter("flow_crud_total", "Changes of flows.", "operation")
        self.action_executed = self.counter("action_executed_total", "Executed actions.", "type")
        self.action_error = self.counter("action_error_total", "Actions that ended their flow.", "type")
        self.action_dispatch = self.counter(
            "action_dispatch_total", "Actions given to another manager.", "target", "type"
        )
        self.activeflow_created = self.counter("activeflow_created_total", "Created activeflows.", "reference_type")
        self.activeflow_ended = self.counter("activeflow_ended_total", "Ended activeflows.", "reference_type")
        self.activeflow_running = Gauge(
            "activeflow_running",
            "Activeflows begun minus ended in this process.",
            ["reference_type"],
            namespace=NAMESPACE,
            registry=self.registry,
        )
        self.activeflow_duration = self.histogram(
            "activeflow_duration_seconds", "Life of an activeflow.", LIFETIMES, "reference_type"
        )
        self.activeflow_iterations = self.histogram(
            "activeflow_execute_iterations", "Actions of one turn.", ITERATIONS, "reference_type"
        )
        self.variable_injection = self.counter(
            "activeflow_variable_injection_total", "Initial variables given with a creation.", "outcome"
        )
        self.discarded = self.counter("stale_total", "Commands and events that came too late.", "command")
        self.unmatched_events = self.counter("event_unmatched_total", "Events for no running activeflow.", "type")
        self.malformed = self.counter("malformed_total", "Messages that could not be read.", "queue")
        self.repeated = self.counter("answer_repeated_total", "Requests answered again with their first answer.")
        self.circuit_state = Gauge(
            "circuitbreaker_state",
            "Whether a peer is asked: 0 yes (closed), 1 no (open), 2 one call tries (half-open).",
            ["target"],
            namespace=NAMESPACE,
            registry=self.registry,
        )
        self.circuit_transitions = self.counter(
            "circuitbreaker_state_transitions_total", "Changes of a circuit breaker.", "target", "from", "to"
        )
        self.circuit_rejected = self.counter(
            "circuitbreaker_rejected_total", "Calls an open breaker refused.", "target"
        )
        self.bulkhead_rejected = self.counter(
            "bulkhead_rejected_total", "Calls refused because as many as allowed wait for that peer.", "target"
        )
        self.waiting = Gauge(
            "waiting_seconds",
            "How long this process has been waiting for broker or database; 0: it is not.",
            ["part"],
            namespace=NAMESPACE,
            registry=self.registry,
        )
        self.crowd_moved = self.counter(
            "crowd_moved_total", "Requests moved behind others because their customer occupied enough threads."
        )
        self.taken_over = self.counter("taken_over_total", "Turns taken over from a lost worker.")

    def counter(self, name: str, about: str, *labels: str) -> Counter:
        """Make a counter."""
        return Counter(name, about, labels, namespace=NAMESPACE, registry=self.registry)

    def histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        """Make a histogram."""
        return Histogram(name, about, labels, namespace=NAMESPACE, registry=self.registry, buckets=buckets)

    def milliseconds(self, name: str, about: str, *labels: str) -> Histogram:
        """Make a histogram of durations in milliseconds."""
        return self.histogram(name, about, MILLISECONDS, *labels)
