"""The client: one connection, shared by all threads of a process."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, Unpack

from flowmanager.client.activeflows import Activeflows
from flowmanager.client.exchange import Exchanger, RetryPolicy
from flowmanager.client.flows import Flows
from flowmanager.client.options import CallOptions
from flowmanager.client.variables import VariableSets
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.shared_caller import SharedCaller

TIMEOUT = 10.0
DEFAULT_POLICY = RetryPolicy()


class FlowManagerClient:
    """Asks flow-manager over RabbitMQ, for any number of threads. To be created after a fork, not before.

    It connects at the first call and again whenever the connection broke. Every request has an id and is sent again
    with the same one when no answer comes: it is carried out once, and its first answer is returned.
    """

    def __init__(
        self,
        url: str,
        *,
        publisher: str = "python-client",
        timeout: float = TIMEOUT,
        retries: RetryPolicy = DEFAULT_POLICY,
        prefix: str = NAMES.prefix,
    ) -> None:
        """`publisher`: the name of your service; `timeout`: seconds of a call if it names none itself.

        `prefix`: what the queues of that installation begin with. Raises flowmanager.errors.InvalidSetting for a URL
        nobody can connect to.
        """
        self._caller = SharedCaller(url, names=Names(prefix))
        self._exchanger = Exchanger(self._caller, publisher, timeout, retries)
        self.flows = Flows(self._exchanger)
        self.activeflows = Activeflows(self._exchanger)
        self.variables = VariableSets(self._exchanger)

    def request(self, method: str, uri: str, data: Any = None, **options: Unpack[CallOptions]) -> Any:
        """Send any request and return the `data` of its answer, None when it has none. Raises ClientError."""
        return self._exchanger.request(method, uri, data, options)

    def close(self) -> None:
        """Close the connection; calls that still wait raise ClientClosed."""
        self._caller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
