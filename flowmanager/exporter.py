"""The pages of a worker process: metrics, and whether it lives and can serve."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import make_wsgi_app

from flowmanager.errors import InvalidSetting
from flowmanager.health import Health
from flowmanager.metrics import Metrics

LAST_PORT = 65_535

Start = Callable[..., Any]


class Server(ThreadingMixIn, WSGIServer):
    """A server whose visitors do not wait for each other: one who says nothing must not make a worker look dead."""

    daemon_threads = True


class Silent(WSGIRequestHandler):
    """A request handler that does not write a line for every visit."""

    timeout = 5.0
    """Seconds: a visitor who says nothing must not keep the others out."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve_pages(metrics: Metrics, health: Health, endpoint: str, address: str, *, process: int = 0) -> WSGIServer:
    """Serve `/livez` and `/readyz` on `host:port`, each further process on the next port; the metrics at a path of it.

    Without a path no metrics. Raises InvalidSetting.
    """
    host, _, port = address.rpartition(":")
    if endpoint and (not endpoint.startswith("/") or endpoint in ("/livez", "/readyz")):
        raise InvalidSetting("PROMETHEUS_ENDPOINT must begin with /, such as /metrics")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) + process > LAST_PORT:
        raise InvalidSetting("PROMETHEUS_LISTEN_ADDRESS must be host:port or :port, such as :2112")
    own_port, app = int(port) + process, pages(metrics, health, endpoint)
    try:
        server = make_server(host or "0.0.0.0", own_port, app, Server, Silent)
    except OSError as error:
        why = f"port {own_port} cannot be listened on: {error.strerror}"
        raise InvalidSetting(f"PROMETHEUS_LISTEN_ADDRESS: {why}") from error
    Thread(target=server.serve_forever, name="pages", daemon=True).start()
    return server


def pages(metrics: Metrics, health: Health, endpoint: str) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """Return the application that shows the pages."""
    shown: dict[str, Any] = {"/livez": health.alive, "/readyz": health.ready}
    metrics_page: Any = make_wsgi_app(metrics.registry)

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if endpoint and path == endpoint:
            health.waiting()
            page: Iterable[bytes] = metrics_page(environ, start)
            return page
        if path not in shown:
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        good, body = shown[path]()
        start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "application/json")])
        return [orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)]

    return app
