"""Go through a list page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from flowmanager.client.exchange import Exchanger
from flowmanager.client.options import CallOptions, ListOptions
from flowmanager.client.records import Activeflow, Flow

PAGE_SIZE = 100
Listed = TypeVar("Listed", Flow, Activeflow)
Page = list[tuple[Listed, str]]


def each(
    exchanger: Exchanger, kind: type[Listed], uri: str, filters: Mapping[str, Any], options: ListOptions
) -> Iterator[Listed]:
    """Yield every record of a list, newest first; the next page is asked for when it is needed. Raises ClientError."""

    def read(wires: Any) -> Page[Listed]:
        # The time as it is on the wire: read and written again it could differ.
        places = [f"{wire.get('tm_create')},{wire['id']}" for wire in wires]
        return list(zip(kind.read_all(wires), places, strict=True))

    size, token, full = options.get("page_size", PAGE_SIZE), "", True
    call: CallOptions = {"timeout": options["timeout"]} if "timeout" in options else {}
    while full:
        query = urlencode({"page_size": size, "page_token": token})
        page = exchanger.read(read, "GET", f"{uri}?{query}", dict(filters), call)
        yield from (record for record, _ in page)
        full = len(page) >= size
        token = page[-1][1] if page else ""
