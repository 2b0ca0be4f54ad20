"""Whether settings contradict each other, or a variable that looks like one is none."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches

from flowmanager.bootstrap import broker_connections, database_connections
from flowmanager.check import Finding, check, doubtful, well, wrong
from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.frozen import frozen
from flowmanager.core.limits import Limits
from flowmanager.patient import Patient
from flowmanager.serve import LONGEST_PREFIX, PARENT_PROCESS, PROCESS_NUMBER
from flowmanager.settings import PREFIX, Settings, limit_variable_of, variable_of

SLOWEST_PEER_SECONDS = 60.0
"""The longest time limit of a request to a peer: a summary by ai-manager."""
CALLER_PATIENCE_SECONDS = 3.0
"""After so long managers that ask us give up."""
LARGEST_MESSAGE = 16 * 2**20
"""What RabbitMQ 4 takes unless it is told otherwise."""
DEEPEST_JSON = 99
SPARE_FILES = 64
OTHERS = {
    *("FLOWMANAGER_EMBEDDED_FOLDER", "FLOWMANAGER_SERVICES_DIR", "FLOWMANAGER_MYSQLD", "FLOWMANAGER_RABBITMQ_SERVER"),
    *(PROCESS_NUMBER, PARENT_PROCESS),
}
"""Variables of ours that are no settings."""


@frozen
class Rule:
    """Something that must not be so."""

    broken: Callable[[Settings], bool]
    finding: Finding


RULES = (
    Rule(
        lambda one: len(one.queue_prefix) > LONGEST_PREFIX,
        wrong("FLOWMANAGER_QUEUE_PREFIX is too long for names on the broker", f"at most {LONGEST_PREFIX} characters"),
    ),
    Rule(
        lambda one: one.orphan_seconds <= one.heartbeat_seconds,
        wrong(
            "FLOWMANAGER_ORPHAN_SECONDS is not above FLOWMANAGER_HEARTBEAT_SECONDS: living workers lose their turns",
            "set it to five heartbeats",
        ),
    ),
    Rule(
        lambda one: one.heartbeat_seconds < one.orphan_seconds < 3 * one.heartbeat_seconds,
        doubtful(
            "FLOWMANAGER_ORPHAN_SECONDS is less than three heartbeats: a busy worker may lose its turns",
            "set it to five heartbeats",
        ),
    ),
    Rule(
        lambda one: one.stop_seconds < SLOWEST_PEER_SECONDS,
        doubtful(
            f"FLOWMANAGER_STOP_SECONDS is below the slowest peer's limit of {SLOWEST_PEER_SECONDS:g} s:"
            " a stop may leave work in hand to another worker",
            "set it to 70, and what stops the service (systemd, Kubernetes) to more",
        ),
    ),
    Rule(
        lambda one: one.answer_seconds < one.stop_seconds + one.orphan_seconds,
        doubtful(
            "FLOWMANAGER_ANSWER_SECONDS is below the time that a stop and a take-over need:"
            " a request that is repeated then may be done twice",
            "set it to 600",
        ),
    ),
    Rule(
        lambda one: one.peer_wait_seconds >= CALLER_PATIENCE_SECONDS,
        doubtful(
            f"FLOWMANAGER_PEER_WAIT_SECONDS: who asks us gives up after {CALLER_PATIENCE_SECONDS:g} s",
            "set it to 0.5",
        ),
    ),
    Rule(
        lambda one: one.threads > 1 and one.peer_calls >= one.threads,
        doubtful(
            "FLOWMANAGER_PEER_CALLS is not below FLOWMANAGER_THREADS: one manager that hangs takes every thread",
            "set it to half of the threads",
        ),
    ),
    Rule(
        lambda one: one.max_answer_bytes > LARGEST_MESSAGE,
        doubtful(
            "FLOWMANAGER_MAX_ANSWER_BYTES is above 16 MiB: RabbitMQ closes the channel over such an answer",
            "lower it, or raise max_message_size in rabbitmq.conf",
        ),
    ),
    Rule(
        lambda one: one.max_json_depth > DEEPEST_JSON,
        doubtful("FLOWMANAGER_MAX_JSON_DEPTH: MySQL refuses JSON of 100 levels and more", "set it to 64"),
    ),
    Rule(
        lambda one: not one.limits.variable_bytes <= one.limits.variables_request_bytes <= one.limits.variables_bytes,
        doubtful(
            "a limit of variables is above one that contains it, and can never be reached",
            "FLOWMANAGER_LIMIT_VARIABLE_BYTES ≤ …_VARIABLES_REQUEST_BYTES ≤ …_VARIABLES_BYTES",
        ),
    ),
    Rule(
        lambda one: bool(one.prometheus_endpoint and not one.prometheus_listen_address),
        doubtful(
            "PROMETHEUS_ENDPOINT is set without PROMETHEUS_LISTEN_ADDRESS: there is no metrics page",
            "set the address too, such as :2112",
        ),
    ),
    Rule(
        lambda one: (
            not set(filter(None, one.stacked_reference_types.split(","))) <= {kind.value for kind in ReferenceType}
        ),
        doubtful(
            "FLOWMANAGER_STACKED_REFERENCE_TYPES names a type that does not exist",
            f"known are {', '.join(kind.value for kind in ReferenceType if kind.value)}; no spaces",
        ),
    ),
)


@check("settings")
def settings(patient: Patient) -> Iterator[Finding]:
    """Try every rule."""
    found = [rule.finding for rule in RULES if rule.broken(patient.settings)]
    found += [*strangers(patient.environment), *open_files(patient.settings)]
    yield from found or [well("no contradiction")]


def strangers(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Say which variables look like settings and are none."""
    limits = {limit_variable_of(one.name) for one in fields(Limits)}
    known = {variable_of(one.name) for one in fields(Settings) if one.name != "limits"} | limits
    for name in sorted(name for name in environment if name.startswith(PREFIX) and name not in known | OTHERS):
        alike = get_close_matches(name, known, n=1)
        yield doubtful(f"{name} is not a setting and is not read", f"is {alike[0]} meant?" if alike else "remove it")


def open_files(settings: Settings) -> Iterator[Finding]:
    """Say when this user may not open as many files as a process has connections."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = broker_connections(settings) + database_connections(settings) + SPARE_FILES
    if limit != resource.RLIM_INFINITY and limit < wanted:
        yield doubtful(f"a process may open {limit} files here and needs {wanted}", f"ulimit -n {wanted}, LimitNOFILE=")
