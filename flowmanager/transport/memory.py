"""kombu's in-memory transport, with one repair: a message given back returns to the queue it came from.

kombu would send it through its exchange again, so that every queue bound to a fanout exchange got it a second time.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import memory

from flowmanager.transport.names import REDELIVERED


class MemoryChannel(memory.Channel):
    """The queues of this process."""

    do_restore = True

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:  # noqa: ARG002, kombu names it
        base: Any = super()
        return {**base._get(queue), "queue": queue}

    def _restore(self, message: Any) -> None:
        base: Any = super()
        payload = message._raw
        again = {**payload, "headers": {**payload["headers"], REDELIVERED: True}}
        base._queue_for(payload["queue"]).queue.appendleft(again)


class MemoryTransport(memory.Transport):
    """Connections within this process."""

    Channel = MemoryChannel
