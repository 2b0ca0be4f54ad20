"""Activeflows that wait for a slow manager all the time: `python -m bench.waits URL QUEUE`, until its input ends.

It is both: those who ask for the next action, and the two managers that take their time.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from random import uniform
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import amqp

from bench.broker import connected
from bench.flows import START, act, created, following, stored, talk
from bench.pump import Pump, User

COUNT = int(os.environ.get("BENCH_WAITS", "500"))
SECONDS = float(os.environ.get("BENCH_WAIT_SECONDS", "10"))
"""How long the manager takes. With one second 500 that wait are 500 turns a second, more than two cores can begin."""
REQUESTS = 90
NEVER = 10**9
ANSWER = b'{"status_code":200,"data_type":"application/json","data":{}}'
SLOW = {
    "conversation": act("conversation_send", conversation_id="5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10", text="Hello"),
    "transcribe": act("transcribe_start", language="en-US"),
}
"""Two managers: half of the threads of a process may wait for the same one."""


ENDING = Event()
"""Everything is answered at once, and nothing new is begun."""
LAST_SECONDS = 5.0


class SlowManagers(Thread):
    """They answer every request after half to one and a half of the time: else all would go on at the same moment."""

    def __init__(self, url: str, queues: list[str]) -> None:
        super().__init__(daemon=True)
        self.url, self.queues = url, queues
        self.waiting: list[tuple[float, int, Any]] = []
        self.numbers = count()
        self.full = Event()
        """Set when all wait at the same time."""

    def run(self) -> None:
        """Take requests and answer those that are due."""
        broker = connected(self.url)
        channel = broker.channel()
        # Before the stub managers, which take requests from the same queue.
        for queue in self.queues:
            channel.basic_consume(queue, callback=self.take, no_ack=True, arguments={"x-priority": 10})
        while True:
            with suppress(TimeoutError):
                broker.drain_events(timeout=0.02)
            while self.waiting and (ENDING.is_set() or self.waiting[0][0] <= monotonic()):
                properties = heappop(self.waiting)[2].properties
                answer = amqp.Message(ANSWER, correlation_id=properties["correlation_id"])
                channel.basic_publish(answer, routing_key=properties["reply_to"])

    def take(self, message: Any) -> None:
        """Keep a request."""
        heappush(self.waiting, (monotonic() + SECONDS * uniform(0.5, 1.5), next(self.numbers), message))
        if len(self.waiting) >= COUNT:
            self.full.set()


def end_with_parent() -> None:
    """End when the process that started this one has ended, however it did; first nobody waits any more.

    What is left unanswered would be waited for until it times out, and the worker would ask these managers no more.
    """
    sys.stdin.read()
    ENDING.set()
    sleep(LAST_SECONDS)
    os._exit(0)


def main(url: str, queue: str) -> None:
    """Have all wait, say so, and go on."""
    managers = SlowManagers(url, [queue.replace(".flow-manager.", f".{name}-manager.") for name in SLOW])
    managers.start()
    Thread(target=end_with_parent, daemon=True).start()
    Thread(target=lambda: print("full" if managers.full.wait(60) else "not full", flush=True), daemon=True).start()
    with Pump(url, queue) as pump:
        spoken = talk() | {"id": "11111111-0000-4000-8000-000000000001"}
        flow_ids = [stored(pump, [spoken, slow | {"next_id": spoken["id"]}]) for slow in SLOW.values()]

        def user(flow_id: str) -> User:
            while True:
                activeflow_id = yield from created(flow_id)
                current = (yield following(activeflow_id, START))["id"]
                for _ in range(REQUESTS):
                    if ENDING.is_set():
                        return
                    current = (yield following(activeflow_id, current))["id"]

        pump.finish([user(flow_ids[number % len(SLOW)]) for number in range(COUNT)])


if __name__ == "__main__":
    main(*sys.argv[1:])
