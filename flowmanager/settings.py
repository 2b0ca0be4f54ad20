"""Settings: read once from the environment, checked, and passed on as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.limits import Limits
from flowmanager.errors import InvalidSetting

PREFIX = "FLOWMANAGER_"
PLAIN_NAMES = (
    "rabbitmq_address",
    "database_dsn",
    "prometheus_endpoint",
    "prometheus_listen_address",
    "max_active_flows",
)
"""Settings that keep the names under which the platform's deployments give them."""
ZERO_TOO = frozenset(("relief_threads",))
"""Numbers that may be 0, beside those that are by default."""


@frozen(kw_only=True)
class Settings:
    """Everything that can be set. Times are seconds, sizes bytes."""

    rabbitmq_address: str = ""
    """amqp://user:password@host:port/vhost, or amqps:// for TLS."""
    database_dsn: str = ""
    """mysql://user:password@host:port/name, user:password@tcp(host:port)/name, or sqlite:///path."""
    prometheus_endpoint: str = ""
    """Path of the metrics page, such as /metrics; empty: none is served."""
    prometheus_listen_address: str = ""
    """host:port of /livez, /readyz and the metrics, such as :2112; each further process takes the next port."""
    threads: int = 8
    """Requests handled at the same time by one process: each thread has a connection to the broker."""
    relief_threads: int = 512
    """How many threads one process may start for those that wait for other managers, so that slow ones hold up nobody:
    each takes a connection to the broker and half a megabyte, and leaves again. 0: none."""
    quorum_queues: bool = False
    """Declare replicated queues; needs a broker cluster, and queues that do not exist yet."""
    queue_prefix: str = "bin-manager"
    """What all names on the broker begin with: several installations on one broker need names of their own."""
    max_body_bytes: int = 4_194_304
    """Largest message: one request must not fill the memory."""
    max_answer_bytes: int = 16_000_000
    """Largest answer: RabbitMQ closes the channel over a larger one, and the request would come again."""
    max_json_depth: int = 64
    """Deepest nesting of a message: the database refuses JSON of 100 levels and more."""
    answer_seconds: float = 600.0
    """How long the answer to a request is kept for repeats of it."""
    heartbeat_seconds: float = 2.0
    """How often a process says that it lives."""
    orphan_seconds: float = 7.0
    """After how long without a heartbeat its turns are taken over; with one heartbeat more that is below 10 s."""
    timer_seconds: float = 0.2
    """How often passed deadlines are looked for: a timer fires this much late at most."""
    outbox_seconds: float = 5.0
    """After how long an unpublished event is published by somebody else."""
    purge_seconds: float = 10.0
    """How often expired rows are deleted."""
    retention_seconds: float = 0.0
    """After how long an ended activeflow is deleted with its history; 0: never, for that must be somebody's decision.
    Records of customers are not deleted unasked, but then the tables grow with every call: 2592000 is 30 days."""
    media_wait_seconds: float = 3600.0
    """How long a media action without a limit of its own may take."""
    grace_seconds: float = 5.0
    """How long after its own limit a media action's event may still come."""
    stop_seconds: float = 70.0
    """How long a stopping process finishes what it has in hand: longer than the slowest peer's time limit."""
    fetch_allowed_networks: str = ""
    """Networks in CIDR form, separated by commas, that the action `fetch` may reach although they are not public."""
    max_flows: int = 10_000
    """Stored flows of one customer."""
    flow_warnings: bool = True
    """Say what is wrong with a flow in the answer to its creation or change; costs 0.1 ms for each action."""
    otel: bool = False
    """Send traces by OpenTelemetry; needs the extra `otel`. Its own variables (OTEL_…) say where to."""
    fair: bool = True
    """Whether a customer whose requests occupy half of the threads must let other customers' requests go first."""
    breaker_failures: int = 5
    """After how many failures in a row another manager is not asked for a while: threads must not wait in vain."""
    breaker_seconds: float = 30.0
    """How long it is not asked then: long enough to restart, short enough that callers notice little."""
    peer_calls: int = 0
    """Calls to the same manager that one process waits for at the same time: that manager, should it hang, must not
    take every thread. Not set: half of `threads` and `relief_threads` together, at least 2."""
    peer_wait_seconds: float = 0.5
    """How long one more call waits for its turn: managers that call back while we wait for them give up after 3 s."""
    stacked_reference_types: str = "conversation"
    """Reference types, separated by commas, whose activeflows lie on top of each other: only the newest runs."""
    max_active_flows: int = 0
    """Activeflows of one such stack, the lowest are dropped; 0: any number."""
    limits: Limits = field(default_factory=Limits)
    """The limits of one activeflow; set as FLOWMANAGER_LIMIT_…."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment gives. Raises InvalidSetting naming the variable."""
    values = {one.name: value for one in fields(Settings) if (value := given(environment, one)) is not None}
    limits = {
        one.name: value
        for one in fields(Limits)
        if (value := parsed(environment, limit_variable_of(one.name), kind_of(one))) is not None
    }
    return Settings(**values, limits=Limits(**limits))


def given(environment: Mapping[str, str], one: Any) -> Any:
    """Return the value of one setting, None when it is not given."""
    return None if one.name == "limits" else parsed(environment, variable_of(one.name), kind_of(one))


def kind_of(one: Any) -> str:
    """Return how the value of a setting is read: a number that is 0 when not set may be set to 0 too."""
    may_be_none = one.default == 0 or one.name in ZERO_TOO
    return f"{one.type} or 0" if one.type in ("int", "float") and may_be_none else str(one.type)


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return name.upper() if name in PLAIN_NAMES else f"{PREFIX}{name.upper()}"


def limit_variable_of(name: str) -> str:
    """Return the environment variable of a limit of one activeflow."""
    return f"{PREFIX}LIMIT_{name.upper()}"


def parsed(environment: Mapping[str, str], variable: str, kind: str) -> Any:
    """Return a variable's value, None when it is absent or empty. Raises InvalidSetting."""
    text = environment.get(variable, "").strip()
    if not text:
        return None
    try:
        return PARSERS[kind](text)
    except (ValueError, KeyError) as error:
        raise InvalidSetting(f"{variable} must be {EXPECTED[kind]}", variable=variable) from error


def positive(text: str) -> int:
    """Read a number above zero."""
    value = int(text)
    if value <= 0:
        raise ValueError(text)
    return value


def positive_or_zero(text: str) -> int:
    """Read a number that is not below zero."""
    return 0 if int(text) == 0 else positive(text)


def seconds(text: str) -> float:
    """Read a time above zero."""
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError(text)
    return value


def seconds_or_zero(text: str) -> float:
    """Read a time that is not below zero."""
    return 0.0 if float(text) == 0 else seconds(text)


BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
PARSERS: Mapping[str, Any] = {
    "str": str,
    "int": positive,
    "int or 0": positive_or_zero,
    "float": seconds,
    "float or 0": seconds_or_zero,
    "bool": lambda text: BOOLEANS[text.lower()],
}
EXPECTED = {
    "str": "a text",
    "int": "a whole number above 0",
    "int or 0": "a whole number, 0 or above",
    "float": "a number above 0",
    "float or 0": "a number, 0 or above",
    "bool": "true or false",
}
