"""Send messages that nobody answers, many at once, and wait until the broker has them all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from time import monotonic

from flowmanager.ports import Message
from flowmanager.transport.envelope import Letter, message_letter
from flowmanager.transport.names import NAMES, Names
from flowmanager.transport.session import Session

CONFIRM_SECONDS = 10.0


class LanePublisher:
    """Publishes over one connection; implements the port Publisher."""

    def __init__(self, session: Session, *, names: Names = NAMES, confirm_seconds: float = CONFIRM_SECONDS) -> None:
        """Open a channel with confirms. Raises BrokerLost."""
        self._session = session
        self._names = names
        self._confirm_seconds = confirm_seconds
        self._numbers = count(1)
        self._unconfirmed: set[int] = set()
        self._refused = False
        self._channel = session.channel()
        if not session.embedded:
            self._expect_confirms()

    def _expect_confirms(self) -> None:
        with self._session.guard():
            self._channel.events["basic_ack"].add(self._on_ack)
            self._channel.events["basic_nack"].add(self._on_nack)
            self._channel.confirm_select()

    def _on_ack(self, number: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {waiting for waiting in self._unconfirmed if waiting > number}
        else:
            self._unconfirmed.discard(number)

    def _on_nack(self, _number: int, _multiple: bool) -> None:
        self._refused = True

    def publish(self, messages: Sequence[Message]) -> None:
        """Return when the broker has confirmed them all. Raises BrokerLost; then any of them may have arrived."""
        self.send([message_letter(message, names=self._names) for message in messages])

    def send(self, letters: Sequence[Letter]) -> None:
        """The same for letters."""
        with self._session.held():
            for letter in letters:
                if not self._session.embedded:
                    self._unconfirmed.add(next(self._numbers))
                self._session.send(self._channel, letter)
        self._wait()

    def _wait(self) -> None:
        deadline = monotonic() + self._confirm_seconds
        while self._unconfirmed and not self._refused:
            left = deadline - monotonic()
            if left <= 0:
                raise self._session.give_up("the broker did not confirm in time")
            self._session.drain(min(left, 1.0))
        if self._refused:
            raise self._session.give_up("the broker refused a message")
