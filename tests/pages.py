"""The pages that a worker serves about itself, as probes read them."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.broker_room import eventually

SECONDS = 40.0
PAGE_SECONDS = 5.0
"""A page that takes longer hangs."""


def page(port: int, path: str) -> tuple[int, Any]:
    """Status and body of a page."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=PAGE_SECONDS) as found:
            return found.status, json.load(found)
    except HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)
    except (URLError, HTTPException):
        # While nobody listens, the system may connect the visitor to itself.
        return 0, None


def parts(port: int) -> dict[str, Any]:
    """What `/readyz` says of each part."""
    found: dict[str, Any] = (page(port, "/readyz")[1] or {}).get("parts", {})
    return found


def until_ready(port: int) -> None:
    eventually(lambda: page(port, "/readyz")[0] == 200, seconds=SECONDS)
