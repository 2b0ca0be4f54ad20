"""webhook-manager as far as it concerns the broker: it takes its requests, many at a time, and does nothing with them.
`python -m bench.webhooks URL QUEUE`, until its input ends.

The stub managers would take them too, one by one, for a seventh of the time that the worker needs for a `next`: what
was measured would be them.
"""

from __future__ import annotations

import os
import sys
from threading import Thread

import amqp

from bench.broker import connected

PREFETCH = 200
TOGETHER = 50
"""Acknowledged by one word."""
PAUSE_SECONDS = 0.2
"""Then what is left is acknowledged."""


class Webhooks:
    """Takes requests from a queue."""

    def __init__(self, url: str, queue: str) -> None:
        self._broker = connected(url)
        self._channel = self._broker.channel()
        self._channel.auto_decode = False
        self._taken = 0
        self._last = 0
        self._channel.basic_qos(0, PREFETCH, False)
        # Before the stub managers, which take requests from the same queue.
        self._channel.basic_consume(queue, callback=self._take, arguments={"x-priority": 10})

    def run(self) -> None:
        """Take requests for ever."""
        while True:
            try:
                self._broker.drain_events(timeout=PAUSE_SECONDS)
            except TimeoutError:
                self._acknowledge()

    def _take(self, message: amqp.Message) -> None:
        self._last = message.delivery_tag
        self._taken += 1
        if self._taken >= TOGETHER:
            self._acknowledge()

    def _acknowledge(self) -> None:
        if self._taken:
            self._channel.basic_ack(self._last, multiple=True)
        self._taken = 0


def end_with_parent() -> None:
    """End when the process that started this one has ended, however it did."""
    sys.stdin.read()
    os._exit(0)


def main(url: str, queue: str) -> None:
    """Say that requests are taken, and take them."""
    webhooks = Webhooks(url, queue)
    Thread(target=end_with_parent, daemon=True).start()
    print("ready", flush=True)
    webhooks.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
