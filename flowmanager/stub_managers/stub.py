"""The form of a stub: a name and a table of method and URI to function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.core.ids import NIL, Id
from flowmanager.errors import STATUS_CODES
from flowmanager.schemas.envelopes import ERROR_TYPE, JSON_TYPE
from flowmanager.schemas.fields import parse_id
from flowmanager.stub_managers.world import World

Reply = dict[str, Any]
CODES: Mapping[int, str] = {code: status for status, code in reversed(list(STATUS_CODES.items()))}


class Refusal(Exception):
    """A stub answers with an error."""

    def __init__(self, status_code: int, reason: str, message: str = "") -> None:
        self.status_code = status_code
        self.reason = reason
        super().__init__(message or reason)


@frozen
class StubRequest:
    """A request to a stub; `parts` are the variable segments of its URI."""

    method: str
    uri: str
    data: Mapping[str, Any]
    parts: tuple[str, ...] = ()

    def id(self, name: str) -> Id:
        """Return a uuid of the data, zero when it is absent or not one."""
        return parse_id(self.text(name)) or NIL

    def text(self, name: str, default: str = "") -> str:
        """Return a text of the data."""
        value = self.data.get(name)
        return value if isinstance(value, str) else default

    def number(self, name: str) -> float | None:
        """Return a number of the data."""
        value = self.data.get(name)
        return float(value) if isinstance(value, int | float) else None

    def object(self, name: str) -> dict[str, Any]:
        """Return an object of the data, empty when it is absent or not one."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Return a list of objects of the data; what is none is left out."""
        value = self.data.get(name)
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


Perform = Callable[[World, StubRequest], Any]
"""Does the work and returns the `data` of the answer, None for none. Raises Refusal."""


@cache
def pattern_of(uri: str) -> re.Pattern[str]:
    """Return the pattern of a URI with variable segments."""
    return re.compile(re.sub("<[^>]*>", "([^/]+)", uri))


@frozen
class Route:
    """A function and the requests it is for; `<…>` in the URI is one variable segment."""

    method: str
    uri: str
    perform: Perform

    def parts(self, method: str, path: str) -> tuple[str, ...] | None:
        """Return the variable segments when a request is meant."""
        found = pattern_of(self.uri).fullmatch(path) if method == self.method else None
        return found.groups() if found else None


@frozen
class Stub:
    """A stand-in for one manager. `name` is the short one."""

    name: str
    routes: tuple[Route, ...]

    def answer(self, world: World, request: StubRequest) -> Reply:
        """Do what a request asks and return the envelope of the answer."""
        path = request.uri.partition("?")[0]
        for route in self.routes:
            parts = route.parts(request.method, path)
            if parts is not None:
                return self._perform(route, world, StubRequest(request.method, request.uri, request.data, parts))
        return self.refuse(404, "ROUTE_NOT_FOUND", f"no such request: {request.method} {path}")

    def _perform(self, route: Route, world: World, request: StubRequest) -> Reply:
        try:
            data = route.perform(world, request)
        except Refusal as refusal:
            return self.refuse(refusal.status_code, refusal.reason, str(refusal))
        reply: Reply = {"status_code": 200, "data_type": JSON_TYPE}
        return reply if data is None else {**reply, "data": data}

    def refuse(self, status_code: int, reason: str, message: str) -> Reply:
        """Return an error answer; without a reason a bare one."""
        if not reason:
            return {"status_code": status_code, "data_type": ""}
        told = {
            "status": CODES.get(status_code, "INTERNAL"),
            "reason": reason,
            "domain": f"{self.name}-manager",
            "message": message,
        }
        return {"status_code": status_code, "data_type": ERROR_TYPE, "data": told}
