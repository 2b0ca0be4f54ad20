"""One who disturbs: sends again what was sent before, late and in another order, and what nobody can read."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from time import sleep

import orjson

from flowmanager.errors import BrokerLost
from flowmanager.stub_managers.records import Sent
from flowmanager.transport.envelope import PERSISTENT, Letter
from flowmanager.transport.names import Names
from tests.faults.stage import Stage

POISON = (
    b"",
    b"{",
    b"[1, 2, 3]",
    b"\xff\xfe\x00garbage",
    b'{"uri": 5, "method": {}}',
    b'{"type": "call_hangup", "publisher": "call-manager", "data": "no object"}',
    b'{"type": "media", "event": "done", "data": {"activeflow_id": "nobody", "action_id": 7}}',
    b'{"uri": "/v1/activeflows", "method": "POST", "data": {"customer_id": "nobody"}}',
    b"[" * 5000 + b"]" * 5000,
)
SHORTEST_SECONDS, LONGEST_SECONDS = 0.05, 0.5


def event_letter(sent: Sent, names: Names) -> Letter:
    """Return an event of a stub manager as it is sent again."""
    body, properties = orjson.dumps(dict(sent.body)), {"delivery_mode": PERSISTENT}
    if sent.manager:
        return Letter(body=body, exchange=names.event_exchange(sent.manager), properties=properties)
    return Letter(body=body, routing_key=names.event, properties=properties)


class Nuisance(Thread):
    """Disturbs until the play is closing."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(name="nuisance", daemon=True)
        self.stage = stage
        self.random = stage.random("nuisance")
        self.asker = stage.asker("nuisance asks")

    def run(self) -> None:
        """Disturb."""
        deeds = (self.repeat_request, self.repeat_event, self.repeat_event, self.poison)
        while not self.stage.closing.is_set():
            with suppress(BrokerLost):
                self.random.choice(deeds)()
            sleep(self.random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
        self.asker.close()

    def repeat_request(self) -> None:
        """Send a request that was answered before once more."""
        known = list(self.stage.answered)
        if known:
            self.asker.attempt(*self.random.choice(known))

    def repeat_event(self) -> None:
        """Send an event of another manager once more."""
        known = list(self.stage.stubs.sent)[-200:]
        if known:
            self.stage.post.send(event_letter(self.random.choice(known), self.stage.names))

    def poison(self) -> None:
        """Send what nobody can read."""
        queue = self.random.choice(self.stage.names.queues)
        self.stage.post.send(Letter(body=self.random.choice(POISON), routing_key=queue))
