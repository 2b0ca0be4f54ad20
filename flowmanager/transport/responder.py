"""Answer the requests to other managers in their place; for stub managers and tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from flowmanager.transport.envelope import Delivery
from flowmanager.transport.lane import Lane, LaneOptions
from flowmanager.transport.link import Link
from flowmanager.transport.session import Session

Reply = Mapping[str, Any]
AnswerRequest = Callable[[str, dict[str, Any]], Reply | None]


class Responder:
    """A thread that takes requests from several queues and answers them one after the other."""

    def __init__(self, url: str, queues: Sequence[str], answer: AnswerRequest) -> None:
        """`answer` gets the queue's name and the request's envelope and returns the answer's, or None for silence."""
        self._queues = tuple(queues)
        self._answer = answer
        self._lane = Lane(url, self._queues, self._respond, options=LaneOptions(prepare=self._declare))

    def _declare(self, session: Session) -> None:
        with session.guard():
            channel = session.channel()
            for queue in self._queues:
                channel.queue_declare(queue, durable=True, auto_delete=False)
            channel.close()

    def _respond(self, delivery: Delivery, link: Link) -> None:
        answer = self._answer(delivery.queue, orjson.loads(delivery.body))
        if answer is not None:
            link.reply(delivery, orjson.dumps(answer))

    def start(self, *, seconds: float = 10.0) -> bool:
        """Begin, and wait so long for the broker; return whether it is there. It goes on trying if not."""
        self._lane.start()
        return self._lane.ready.wait(seconds)

    def stop(self, *, seconds: float = 10.0) -> None:
        """Finish the request in hand and end."""
        self._lane.stop()
        self._lane.join(seconds)
