"""What queues and exchanges are called on the broker."""

from __future__ import annotations

from flowmanager.core.frozen import frozen

SERVICE = "flow-manager"
SUBSCRIBED_PEERS = ("call", "queue", "ai", "conference", "transcribe", "customer")
REDELIVERED = "x-redelivered"
"""Header that says so on the embedded transports, which have no such flag."""

UNREADABLE = "x-unreadable"
"""Header that says why a message came without its properties."""


@frozen
class Names:
    """The names of one installation; another prefix keeps tests or a demo on a shared broker apart."""

    prefix: str = "bin-manager"

    def request_queue(self, peer: str) -> str:
        """The queue another manager (short name) takes requests from."""
        return f"{self.prefix}.{peer}-manager.request"

    def event_exchange(self, peer: str) -> str:
        """The exchange another manager (short name) announces its events on."""
        return f"{self.prefix}.{peer}-manager.event"

    @property
    def request(self) -> str:
        """The queue of requests to us."""
        return self.request_queue("flow")

    @property
    def event(self) -> str:
        """The queue of events sent to us directly, and, in the other namespace, the exchange of our own events."""
        return self.event_exchange("flow")

    @property
    def subscribe(self) -> str:
        """The queue that collects the events of other managers."""
        return f"{self.prefix}.{SERVICE}.subscribe"

    @property
    def crowd(self) -> str:
        """The queue of requests that wait because their customer occupies as many lanes as it may."""
        return f"{self.prefix}.{SERVICE}.crowd"

    @property
    def dead(self) -> str:
        """The queue of messages nobody could handle."""
        return f"{self.prefix}.{SERVICE}.dead"

    @property
    def reply(self) -> str:
        """What the reply queues begin with where the broker has no direct reply-to."""
        return f"{self.prefix}.{SERVICE}.reply"

    @property
    def delay(self) -> str:
        """The exchange that hands messages on after a while."""
        return f"{self.prefix}.delay"

    @property
    def queues(self) -> tuple[str, ...]:
        """Our queues that other services send to."""
        return (self.request, self.event, self.subscribe)

    @property
    def own(self) -> tuple[str, ...]:
        """All queues that are ours."""
        return (*self.queues, self.crowd, self.dead)

    @property
    def subscribed_exchanges(self) -> tuple[str, ...]:
        """The exchanges whose events we want."""
        return tuple(self.event_exchange(peer) for peer in SUBSCRIBED_PEERS)


NAMES = Names()
