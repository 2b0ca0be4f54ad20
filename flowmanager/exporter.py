"""The metrics page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from flowmanager.errors import InvalidSetting
from flowmanager.metrics import Metrics

LAST_PORT = 65_535

Start = Callable[..., Any]


class Silent(WSGIRequestHandler):
    """A request handler that does not write a line for every visit."""

    timeout = 5.0
    """Seconds: a visitor who says nothing must not keep the others out."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve_metrics(metrics: Metrics, endpoint: str, address: str, *, process: int = 0) -> WSGIServer:
    """Serve the metrics at a path of `host:port`, each further process on the next port. Raises InvalidSetting."""
    host, _, port = address.rpartition(":")
    if not endpoint.startswith("/"):
        raise InvalidSetting("PROMETHEUS_ENDPOINT must begin with /, such as /metrics")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) + process > LAST_PORT:
        raise InvalidSetting("PROMETHEUS_LISTEN_ADDRESS must be host:port or :port, such as :2112")
    page: Any = make_wsgi_app(metrics.registry)

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] != endpoint:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        shown: Iterable[bytes] = page(environ, start)
        return shown

    try:
        server = make_server(host or "0.0.0.0", int(port) + process, app, handler_class=Silent)
    except OSError as error:
        raise InvalidSetting(f"PROMETHEUS_LISTEN_ADDRESS cannot be listened on: {error.strerror}") from error
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
