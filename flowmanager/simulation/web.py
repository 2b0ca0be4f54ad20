"""Customers' servers of a simulation: they answer what the script says; nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from flowmanager.errors import InvalidRequest
from flowmanager.managers.web import Web
from flowmanager.simulation.director import Director
from flowmanager.simulation.recorder import Recorder
from flowmanager.simulation.script import Script
from flowmanager.simulation.timeline import PeerRequest


@dataclass(frozen=True, slots=True)
class ScriptedWeb(Web):
    """What `fetch` gets: the answer for its address, for `*`, or an empty list."""

    script: Script = field(default_factory=Script)
    director: Director = field(default_factory=Director)
    recorder: Recorder | None = None

    def fetch(self, method: str, url: str, body: bytes) -> bytes:
        """Return the actions of an address. Raises InvalidRequest for a failure that the script wants."""
        told = self.director.fetched(url)
        told = self.script.fetch.get(url, self.script.fetch.get("*", [])) if told is None else told
        status = int(told["fail"]) if isinstance(told, Mapping) and "fail" in told else 200
        if self.recorder is not None:
            asked = PeerRequest(self.recorder.now, "web", method, url, orjson.loads(body or b"null"), status)
            self.recorder.requests.append(asked)
            self.recorder.add("request", f"{asked.line} → {status}", **asked.wire())
        if status != 200:
            raise InvalidRequest(f"cannot fetch: the server answered {status}", url=url)
        return orjson.dumps(told)
