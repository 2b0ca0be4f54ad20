"""The stubs' way to the broker: events out, and requests to flow-manager."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock, local
from typing import Any

import orjson

from flowmanager.errors import PeerError
from flowmanager.ports import Ask
from flowmanager.transport.announcer import Announcer
from flowmanager.transport.caller import Caller
from flowmanager.transport.names import NAMES, Names

PEER_NAME = "stub-managers"


class Broker:
    """Implements the stubs' Outside. Each thread asks over a connection of its own: nobody waits for another."""

    def __init__(self, url: str, *, names: Names = NAMES) -> None:
        """Nothing is opened yet."""
        self._url = url
        self._names = names
        self._announcer = Announcer(url)
        self._own = local()
        self._callers: list[Caller] = []
        self._lock = Lock()

    def publish_event(self, manager: str, body: Mapping[str, Any]) -> None:
        """Publish on a manager's event exchange. Raises BrokerLost."""
        self._announcer.publish_event(self._names.event_exchange(manager), orjson.dumps(body))

    def send_event(self, body: Mapping[str, Any]) -> None:
        """Send straight to flow-manager's event queue. Raises BrokerLost."""
        self._caller().send_event(self._names.event, orjson.dumps(body))

    def ask(self, ask: Ask) -> Any:
        """Ask flow-manager; see the port Rpc."""
        caller = self._caller()
        status_code, data_type, data = caller.call(
            ask.method, ask.uri, ask.body, seconds=ask.seconds, request_id=ask.key
        )
        if status_code >= 300:
            typed = data if data_type == "voipbin_error" and isinstance(data, Mapping) else None
            raise PeerError("flow", status_code, typed)
        return data

    def _caller(self) -> Caller:
        if not hasattr(self._own, "caller"):
            self._own.caller = Caller(self._url, publisher=PEER_NAME, names=self._names)
            with self._lock:
                self._callers.append(self._own.caller)
        caller: Caller = self._own.caller
        return caller

    def close(self) -> None:
        """Close all connections; the threads that used them have ended."""
        with self._lock:
            for caller in self._callers:
                caller.close()
            self._callers.clear()
        self._announcer.close()
