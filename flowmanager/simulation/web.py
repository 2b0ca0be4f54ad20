"""Customers' servers of a simulation: they answer what the script says; nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

import orjson

from flowmanager.core.frozen import frozen
from flowmanager.errors import InvalidRequest
from flowmanager.managers.web import Web
from flowmanager.simulation.director import Director
from flowmanager.simulation.recorder import Recorder
from flowmanager.simulation.script import Script
from flowmanager.simulation.timeline import PeerRequest

TIMEOUT = "timeout"
"""Of a server that a script lets fail: it does not answer."""


@frozen
class ScriptedWeb(Web):
    """What `fetch` gets: the answer for its address, for `*`, or an empty list."""

    script: Script = field(default_factory=Script)
    director: Director = field(default_factory=Director)
    recorder: Recorder | None = None
    wait: Callable[[float], None] = field(default=lambda _seconds: None)
    """Lets time pass."""

    def fetch(self, method: str, url: str, body: bytes) -> bytes:
        """Return the actions of an address. Raises InvalidRequest for a failure that the script wants."""
        told = self.director.fetched(url)
        told = self.script.fetch.get(url, self.script.fetch.get("*", [])) if told is None else told
        fails = told["fail"] if isinstance(told, Mapping) and "fail" in told else None
        status = None if fails == TIMEOUT else int(fails or 200)
        if self.recorder is not None:
            asked = PeerRequest(self.recorder.now, "web", method, url, orjson.loads(body or b"null"), status)
            self.recorder.requests.append(asked)
            self.recorder.add("request", f"{asked.line} → {status or 'no answer'}", **asked.wire())
        if status is None:
            self.wait(self.seconds)
            raise InvalidRequest(f"cannot fetch: no answer within {self.seconds:g} s", url=url)
        if status != 200:
            raise InvalidRequest(f"cannot fetch: the server answered {status}", url=url)
        return orjson.dumps(told)
