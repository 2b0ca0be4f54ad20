"""An Rpc that counts how long peers take."""

from __future__ import annotations

from time import monotonic
from typing import Any

from flowmanager.core.frozen import frozen
from flowmanager.metrics import Metrics
from flowmanager.ports import Ask, Rpc


@frozen
class MeasuredRpc:
    """Asks through another Rpc."""

    rpc: Rpc
    metrics: Metrics

    def call(self, ask: Ask) -> Any:
        """Ask, and observe the time whatever comes of it."""
        started = monotonic()
        try:
            return self.rpc.call(ask)
        finally:
            seen = self.metrics.request.labels(ask.peer, resource_of(ask.uri), ask.method)
            seen.observe((monotonic() - started) * 1000)


def resource_of(uri: str) -> str:
    """Return the resource of a URI: `/v1/calls/<id>/digits` is about `calls`."""
    return uri.split("?")[0].split("/")[2] if uri.count("/") > 1 else uri
