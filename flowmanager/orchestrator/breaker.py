"""A peer that fails or hangs must not take the process: a circuit breaker and a bounded number of calls for each peer.

Peers call back into us while we wait for them. Without the bound every thread could wait for a peer that waits for one
of our threads; with it, threads are left for its requests. More calls are refused after a short wait, not kept waiting:
those who wait for a place hold a thread too. All threads can still wait when there are no more of them than places, or
when several peers hang at once; that ends when the breakers open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import Any

import structlog

from flowmanager.core.frozen import frozen
from flowmanager.errors import PeerError, PeerGarbled, PeerTimeout, PeerUnavailable, PeerUnroutable
from flowmanager.metrics import Metrics
from flowmanager.ports import Ask, Rpc

log = structlog.get_logger()


class CircuitState(StrEnum):
    """Whether a peer is asked."""

    CLOSED = "closed"
    """It is."""
    OPEN = "open"
    """It is not."""
    HALF_OPEN = "half-open"
    """One call at a time tries it."""


class Permit(StrEnum):
    """What a call may do."""

    REFUSED = "refused"
    CALL = "call"
    PROBE = "probe"
    """Go ahead, and decide by its end whether others may."""


class Verdict(StrEnum):
    """What the end of a call says of the peer."""

    ALIVE = "alive"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Nothing: it was our own connection that broke."""


@frozen(kw_only=True)
class Rule:
    """When a peer is not asked any more, for how long, and how many calls may wait for it. Times are seconds."""

    failures: int
    seconds: float
    calls: int
    wait_seconds: float
    """How long one call more waits for its turn."""


@frozen
class Circuit:
    """What is known of a peer. Times are readings of one steady clock."""

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    """In a row, while it is asked."""
    opened_at: float = 0.0
    probing: bool = False
    """A call is under way that decides."""


CLOSED = Circuit()


def admit(circuit: Circuit, rule: Rule, now: float) -> tuple[Circuit, Permit]:
    """Decide whether one more call is allowed."""
    if circuit.state is CircuitState.CLOSED:
        return circuit, Permit.CALL
    waits = circuit.state is CircuitState.OPEN and now - circuit.opened_at < rule.seconds
    if waits or circuit.probing:
        return circuit, Permit.REFUSED
    return replace(circuit, state=CircuitState.HALF_OPEN, probing=True), Permit.PROBE


def settle(circuit: Circuit, rule: Rule, permit: Permit, verdict: Verdict, now: float) -> Circuit:
    """Return what is known after a call. One that began before the circuit opened says nothing of the peer of now."""
    if permit is Permit.PROBE:
        return probed(circuit, verdict, now)
    if circuit.state is not CircuitState.CLOSED or verdict is Verdict.UNKNOWN:
        return circuit
    if verdict is Verdict.ALIVE:
        return CLOSED
    failed = replace(circuit, failures=circuit.failures + 1)
    return Circuit(CircuitState.OPEN, opened_at=now) if failed.failures >= rule.failures else failed


def probed(circuit: Circuit, verdict: Verdict, now: float) -> Circuit:
    """Return what is known after a probe; one that says nothing is followed by another."""
    if verdict is Verdict.UNKNOWN:
        return replace(circuit, probing=False)
    return CLOSED if verdict is Verdict.ALIVE else Circuit(CircuitState.OPEN, opened_at=now)


STATE_NUMBERS = {CircuitState.CLOSED: 0, CircuitState.OPEN: 1, CircuitState.HALF_OPEN: 2}


class Breaker:
    """The circuit breaker of one peer, and the places of those who wait for it; shared by all threads."""

    def __init__(self, target: str, rule: Rule, metrics: Metrics, clock: Callable[[], float]) -> None:
        """`target` is the peer's request queue."""
        self._target, self._rule, self._metrics, self._clock = target, rule, metrics, clock
        self._lock = Lock()
        self._circuit = CLOSED
        self._places = BoundedSemaphore(rule.calls)
        metrics.circuit_state.labels(target).set(STATE_NUMBERS[CircuitState.CLOSED])

    def call(self, rpc: Rpc, ask: Ask) -> Any:
        """Ask if that is allowed. Raises PeerUnavailable, and what the Rpc raises."""
        self.check(ask.peer)
        with self.place(ask.peer):
            permit, verdict = self.enter(ask.peer), Verdict.UNKNOWN
            try:
                answer = rpc.call(ask)
                verdict = Verdict.ALIVE
            except (PeerTimeout, PeerGarbled, PeerUnroutable):
                verdict = Verdict.FAILED
                raise
            except PeerError:
                verdict = Verdict.ALIVE
                raise
            finally:
                self.leave(permit, verdict)
        return answer

    def check(self, peer: str) -> None:
        """Refuse at once what would be refused in the end: nobody waits for a place then. Raises PeerUnavailable."""
        with self._lock:
            _, permit = admit(self._circuit, self._rule, self._clock())
        self.demand(permit, peer)

    @contextmanager
    def place(self, peer: str) -> Iterator[None]:
        """Wait for a place among those who wait for the peer. Raises PeerUnavailable when none becomes free."""
        if not self._places.acquire(timeout=self._rule.wait_seconds):
            self._metrics.bulkhead_rejected.labels(self._target).inc()
            raise PeerUnavailable(peer, f"{self._rule.calls} calls wait for {self._target} already")
        try:
            yield
        finally:
            self._places.release()

    def enter(self, peer: str) -> Permit:
        """Begin a call. Raises PeerUnavailable: the breaker has opened meanwhile."""
        with self._lock:
            circuit, permit = admit(self._circuit, self._rule, self._clock())
            self.become(circuit)
        self.demand(permit, peer)
        return permit

    def leave(self, permit: Permit, verdict: Verdict) -> None:
        """End a call."""
        with self._lock:
            self.become(settle(self._circuit, self._rule, permit, verdict, self._clock()))

    def demand(self, permit: Permit, peer: str) -> None:
        """Raise PeerUnavailable, and count it, for a call that is not allowed."""
        if permit is Permit.REFUSED:
            self._metrics.circuit_rejected.labels(self._target).inc()
            raise PeerUnavailable(peer, f"the circuit breaker is open for {self._target}")

    def become(self, circuit: Circuit) -> None:
        """Replace what is known; told under the lock, so that nobody sees changes in another order."""
        before, self._circuit = self._circuit.state, circuit
        if before is circuit.state:
            return
        self._metrics.circuit_state.labels(self._target).set(STATE_NUMBERS[circuit.state])
        self._metrics.circuit_transitions.labels(self._target, before.value, circuit.state.value).inc()
        log.warning("circuit_changed", target=self._target, before=before.value, after=circuit.state.value)


class Breakers:
    """The breakers of a process, one for each peer that was ever asked."""

    def __init__(
        self, rule: Rule, metrics: Metrics, target_of: Callable[[str], str], *, clock: Callable[[], float] = monotonic
    ) -> None:
        """`target_of` returns the request queue of a peer (short name)."""
        self._rule, self._metrics, self._target_of, self._clock = rule, metrics, target_of, clock
        self._lock = Lock()
        self._by_peer: dict[str, Breaker] = {}

    def of(self, peer: str) -> Breaker:
        """Return the breaker of a peer."""
        with self._lock:
            if peer not in self._by_peer:
                self._by_peer[peer] = Breaker(self._target_of(peer), self._rule, self._metrics, self._clock)
            return self._by_peer[peer]


@frozen
class GuardedRpc:
    """Asks through another Rpc, unless the peer fails or too many wait for it."""

    rpc: Rpc
    breakers: Breakers

    def call(self, ask: Ask) -> Any:
        """Ask; see the port for what is raised."""
        return self.breakers.of(ask.peer).call(self.rpc, ask)
