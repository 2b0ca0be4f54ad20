"""Serve all stubs on a broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from flowmanager.stub_managers.broker import Broker
from flowmanager.stub_managers.stub_world import StubWorld
from flowmanager.stub_managers.timetable import Timetable
from flowmanager.stub_managers.world import Pace
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.responder import Responder

OWN_THREAD = ("call", "queue", "ai", "webhook")
"""Busy ones, and those that ask flow-manager before they answer; the others share a thread."""


class ServedStubs(StubWorld):
    """Stubs on a broker, until they are stopped."""

    def __init__(self, url: str, *, names: Names = NAMES, speed: float = 1.0, pace: Pace | None = None) -> None:
        """Nothing is opened yet. `speed` 2 halves every delay of the pace."""
        self._broker = Broker(url, names=names)
        super().__init__(self._broker, pace=pace, timetable=Timetable(speed=speed))
        self._peers = {names.request_queue(name): name for name in self.stubs}
        self._responders = [Responder(url, group, self._respond) for group in self._groups(names)]

    def _groups(self, names: Names) -> list[list[str]]:
        alone = [[names.request_queue(name)] for name in OWN_THREAD]
        shared = [names.request_queue(name) for name in self.stubs if name not in OWN_THREAD]
        return [*alone, shared]

    def _respond(self, queue: str, envelope: Mapping[str, Any]) -> Any:
        reply = self.answer(self._peers[queue], envelope)
        return orjson.Fragment(reply) if isinstance(reply, bytes) else reply

    def start(self) -> None:
        """Take requests, and let time pass."""
        super().start()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Responder.start, self._responders))

    def stop(self) -> None:
        """Finish the requests in hand, then end."""
        super().stop()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Responder.stop, self._responders))
        self._broker.close()


def serve_stubs(
    url: str,
    *,
    rules: Sequence[str] = (),
    speed: float = 1.0,
    pace: Pace | None = None,
    names: Names = NAMES,
) -> ServedStubs:
    """Serve all stubs on a broker until `stop` is called. Raises InvalidSetting for a rule that cannot be read."""
    served = ServedStubs(url, names=names, speed=speed, pace=pace)
    served.add_rules(rules)
    served.start()
    return served
