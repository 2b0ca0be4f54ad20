"""A connection to the broker, owned by one thread, whose every failure is a BrokerLost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import structlog
from amqp.exceptions import AMQPError, RecoverableConnectionError
from kombu.exceptions import KombuError

from flowmanager.errors import BrokerLost
from flowmanager.transport.connection import is_embedded, transport_for
from flowmanager.transport.envelope import Letter
from flowmanager.transport.frames import acknowledgement, message_frames

log = structlog.get_logger()

# py-amqp answers with AttributeError when the socket vanished under it.
BROKER_ERRORS = (AMQPError, KombuError, OSError, AttributeError)
TICK_SECONDS = 1.0
HEARTBEAT_SECONDS = 30
LEAST_SECONDS = 0.001
"""With no time at all py-amqp would spin on a frame of which only a part has arrived."""
BLOCKED = "the broker takes no messages: its memory or its disk is full"


class Guard:
    """What a session does around each use of the library. Without state, so that one is enough."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        if self._session.lost:
            raise BrokerLost

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, BROKER_ERRORS):
            self._session.lost = True
            raise BrokerLost(why=repr(error)) from error


class Session:
    """One connection and its channels. After a failure it stays lost: open another one."""

    def __init__(self, url: str, *, heartbeat: int = HEARTBEAT_SECONDS) -> None:
        """Connect. Raises BrokerLost."""
        self.url = url
        self.lost = False
        self.blocked = False
        """The broker has said that it takes no messages for now; it still delivers."""
        self._unblocked = 0.0
        self._guard = Guard(self)
        self.embedded = is_embedded(url)
        # Not kombu's Connection: it would connect again behind our back, without channels and consumers.
        self._transport = transport_for(url, heartbeat=heartbeat)
        with self.guard():
            self._wire = self._transport.establish_connection()
        if not self.embedded:
            self._wire.on_blocked, self._wire.on_unblocked = self._on_blocked, self._on_unblocked
        self._next_tick = 0.0
        self.moved_at = monotonic()
        """When its thread last looked after it."""
        self._farewells: list[Callable[[], None]] = []

    def guard(self) -> Guard:
        """Turn what the broker library raises in a block into BrokerLost, for good."""
        return self._guard

    def give_up(self, why: str) -> BrokerLost:
        """Declare the connection unusable and return the error to raise."""
        self.lost = True
        return BrokerLost(why=BLOCKED if self.blocked else why)

    def blocked_since(self, moment: float) -> bool:
        """Say whether the broker took no messages at any time since a moment of the monotonic clock."""
        return self.blocked or self._unblocked >= moment

    def _on_blocked(self, _reason: str) -> None:
        self.blocked = True
        log.warning("broker_blocked", why=BLOCKED, retry="until it takes messages again")

    def _on_unblocked(self) -> None:
        self.blocked, self._unblocked = False, monotonic()
        log.info("broker_unblocked")

    def channel(self) -> Any:
        """Open a channel."""
        with self.guard():
            return self._transport.create_channel(self._wire)

    def send(self, channel: Any, letter: Letter) -> None:
        """Publish; the broker may not have it yet when this returns."""
        with self.guard():
            frames = None if self.embedded else message_frames(channel.channel_id, letter, self._wire.frame_max)
            if frames is not None:
                self._write(channel, frames)
                return
            message = channel.prepare_message(
                letter.body,
                content_type="text/plain",
                headers=dict(letter.headers) or None,
                properties=dict(letter.properties),
            )
            channel.basic_publish(message, letter.exchange, letter.routing_key, mandatory=letter.mandatory)

    def acknowledge(self, channel: Any, tag: Any) -> None:
        """Tell the broker that a message is dealt with."""
        with self.guard():
            if self.embedded:
                channel.basic_ack(tag)
            else:
                self._write(channel, acknowledgement(channel.channel_id, tag))

    def _write(self, channel: Any, frames: bytes) -> None:
        if channel.connection is None:
            raise RecoverableConnectionError("the channel is closed")
        self._wire.transport.write(frames)
        self._wire.bytes_sent += 1  # py-amqp looks at it before it sends a heartbeat

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is written meanwhile goes with what is written next, at the latest when something is waited for."""
        if self.embedded:
            yield
            return
        with self.guard():  # py-amqp would connect a lost connection again
            transport = self._wire.transport
        transport.holding = True
        try:
            yield
        finally:
            transport.holding = False

    def drain(self, seconds: float) -> None:
        """Let at most one incoming frame call its consumer, waiting so long for it; keep the connection alive."""
        self.moved_at = monotonic()
        with self.guard():
            if not self.embedded:
                self._wire.transport.flush()
            if self.embedded or seconds > 0 or self._wire.has_come():
                with suppress(TimeoutError):
                    self._transport.drain_events(self._wire, timeout=max(seconds, LEAST_SECONDS))
            # Only after reading: heartbeats that came while the thread was busy are still in the socket.
            self._tick()

    def _tick(self) -> None:
        if monotonic() >= self._next_tick:
            self._transport.heartbeat_check(self._wire)
            self._next_tick = monotonic() + TICK_SECONDS

    def before_close(self, farewell: Callable[[], None]) -> None:
        """Have something done just before an orderly end."""
        self._farewells.append(farewell)

    def close(self) -> None:
        """Close; messages that were not acknowledged go back to their queue."""
        with suppress(BrokerLost), self.guard():
            for farewell in self._farewells:
                farewell()
            self._transport.close_connection(self._wire)
        if self.lost and not self.embedded:
            with suppress(*BROKER_ERRORS):
                self._wire.collect()  # frees the socket without a word to the broker
        self.lost = True
