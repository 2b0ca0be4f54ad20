"""A peer that fails is left alone for a while, and one that hangs does not take all threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier, Event, Semaphore
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from flowmanager.bootstrap import make_breakers
from flowmanager.errors import (
    BrokerLost,
    FlowManagerError,
    PeerError,
    PeerGarbled,
    PeerTimeout,
    PeerUnavailable,
    PeerUnroutable,
)
from flowmanager.metrics import Metrics
from flowmanager.orchestrator.breaker import (
    CLOSED,
    Breakers,
    Circuit,
    CircuitState,
    GuardedRpc,
    Permit,
    Rule,
    Verdict,
    admit,
    settle,
)
from flowmanager.ports import Ask
from flowmanager.settings import Settings

RULE = Rule(failures=5, seconds=30, calls=2, wait_seconds=0.01)
TARGET = "bin-manager.call-manager.request"
WAIT = 30
"""Seconds until a test that hangs fails."""
ASK = Ask(peer="call", method="GET", uri="/v1/calls")

FOUR = Circuit(CircuitState.CLOSED, 4)
OPEN = Circuit(CircuitState.OPEN, opened_at=100)
PROBING = Circuit(CircuitState.HALF_OPEN, opened_at=100, probing=True)
UNDECIDED = Circuit(CircuitState.HALF_OPEN, opened_at=100)


@pytest.mark.parametrize(
    ("circuit", "now", "after", "permit"),
    [
        (CLOSED, 0, CLOSED, Permit.CALL),
        (FOUR, 0, FOUR, Permit.CALL),
        (OPEN, 100, OPEN, Permit.REFUSED),
        (OPEN, 129.9, OPEN, Permit.REFUSED),
        (OPEN, 130, PROBING, Permit.PROBE),
        (OPEN, 9999, PROBING, Permit.PROBE),
        (PROBING, 131, PROBING, Permit.REFUSED),
        (PROBING, 9999, PROBING, Permit.REFUSED),
        (UNDECIDED, 131, PROBING, Permit.PROBE),
    ],
)
def test_who_may_ask(circuit: Circuit, now: float, after: Circuit, permit: Permit) -> None:
    """Everybody while it is closed, nobody for 30 seconds after it opened, then one at a time."""
    assert admit(circuit, RULE, now) == (after, permit)


REOPENED = Circuit(CircuitState.OPEN, opened_at=150)


@pytest.mark.parametrize(
    ("circuit", "permit", "verdict", "after"),
    [
        (CLOSED, Permit.CALL, Verdict.ALIVE, CLOSED),
        (CLOSED, Permit.CALL, Verdict.UNKNOWN, CLOSED),
        (CLOSED, Permit.CALL, Verdict.FAILED, Circuit(CircuitState.CLOSED, 1)),
        (FOUR, Permit.CALL, Verdict.ALIVE, CLOSED),
        (FOUR, Permit.CALL, Verdict.UNKNOWN, FOUR),
        (FOUR, Permit.CALL, Verdict.FAILED, REOPENED),
        *((OPEN, Permit.CALL, verdict, OPEN) for verdict in Verdict),
        *((PROBING, Permit.CALL, verdict, PROBING) for verdict in Verdict),
        *((UNDECIDED, Permit.CALL, verdict, UNDECIDED) for verdict in Verdict),
        (PROBING, Permit.PROBE, Verdict.ALIVE, CLOSED),
        (PROBING, Permit.PROBE, Verdict.UNKNOWN, UNDECIDED),
        (PROBING, Permit.PROBE, Verdict.FAILED, REOPENED),
    ],
)
def test_what_the_end_of_a_call_tells(circuit: Circuit, permit: Permit, verdict: Verdict, after: Circuit) -> None:
    """Calls from before the circuit opened tell nothing; the probe decides."""
    assert settle(circuit, RULE, permit, verdict, 150) == after


@given(verdicts=st.lists(st.sampled_from(Verdict), max_size=40), limit=st.integers(1, 6))
def test_it_opens_at_the_first_run_of_failures_that_is_long_enough(verdicts: list[Verdict], limit: int) -> None:
    """An answer begins the count anew, a broken connection of our own does not."""
    strict = Rule(failures=limit, seconds=30, calls=2, wait_seconds=0)
    circuit, told = CLOSED, ""
    for verdict in verdicts:
        circuit, permit = admit(circuit, strict, 0)
        circuit = settle(circuit, strict, permit, verdict, 0) if permit is not Permit.REFUSED else circuit
        told += {Verdict.ALIVE: "a", Verdict.FAILED: "f", Verdict.UNKNOWN: ""}[verdict]
    assert (circuit.state is CircuitState.OPEN) == ("f" * limit in told)


class ManyCalls(RuleBasedStateMachine):
    """Calls that begin and end in any order while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = CLOSED
        self.now = 0.0
        self.under_way: list[Permit] = []
        self.opened_at: float | None = None

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        before = self.circuit
        self.circuit, permit = admit(before, RULE, self.now)
        if permit is Permit.REFUSED:
            assert self.circuit == before
            return
        self.under_way.append(permit)
        if self.opened_at is not None:
            assert permit is Permit.PROBE
            assert self.now - self.opened_at >= RULE.seconds

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 99), verdict=st.sampled_from(Verdict))
    def end(self, which: int, verdict: Verdict) -> None:
        permit, before = self.under_way.pop(which % len(self.under_way)), self.circuit
        self.circuit = settle(before, RULE, permit, verdict, self.now)
        if self.circuit.state is CircuitState.OPEN and before.state is not CircuitState.OPEN:
            assert verdict is Verdict.FAILED
            self.opened_at = self.now
        if self.circuit.state is CircuitState.CLOSED and before.state is not CircuitState.CLOSED:
            assert (permit, verdict) == (Permit.PROBE, Verdict.ALIVE)
            self.opened_at = None

    @invariant()
    def one_probe_at_most(self) -> None:
        assert self.under_way.count(Permit.PROBE) == int(self.circuit.probing)
        assert self.circuit.state is CircuitState.HALF_OPEN or not self.circuit.probing

    @invariant()
    def few_failures_while_closed(self) -> None:
        assert self.circuit.failures < RULE.failures
        assert self.circuit.failures == 0 or self.circuit.state is CircuitState.CLOSED


TestManyCalls = ManyCalls.TestCase


@dataclass
class Peers:
    """Other managers, all of which answer, or fail, as told; a clock that stands still until it is set."""

    answer: Any = "answer"
    asks: list[Ask] = field(default_factory=list)
    now: float = 0.0
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        breakers = Breakers(RULE, self.metrics, "bin-manager.{}-manager.request".format, clock=lambda: self.now)
        self.rpc = GuardedRpc(self, breakers)

    def call(self, ask: Ask) -> Any:
        """Answer."""
        self.asks.append(ask)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def ask(self, answer: Any = "answer", *, peer: str = "call") -> Any:
        """Ask a peer that answers so; return what it answers or the error."""
        self.answer = answer
        try:
            return self.rpc.call(Ask(peer=peer, method="GET", uri="/v1/things"))
        except FlowManagerError as error:
            return error

    def fail(self, times: int = 5) -> None:
        """Ask a peer that does not answer."""
        for _ in range(times):
            assert isinstance(self.ask(PeerTimeout("call", 3)), PeerTimeout)

    def refuses(self) -> bool:
        """Say whether a call is refused, at the price of one call."""
        before = len(self.asks)
        refused = isinstance(self.ask(), PeerUnavailable)
        assert refused == (len(self.asks) == before)
        return refused

    def metric(self, name: str, **labels: str) -> float | None:
        """A metric of the peer `call`."""
        return self.metrics.registry.get_sample_value(f"flow_manager_{name}", {"target": TARGET, **labels})


FAILURES = [PeerTimeout("call", 3), PeerGarbled("call", "not JSON"), PeerUnroutable("call")]
ANSWERS = ["data", None, *(PeerError("call", status) for status in (400, 404, 500, 503))]
ANSWERS.append(PeerError("call", 503, {"status": "UNAVAILABLE", "message": "closed"}))


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_five_failures_in_a_row_open_it(failure: FlowManagerError) -> None:
    """The sixth call is not made; the answer says why."""
    peers = Peers()
    assert [peers.ask(failure) for _ in range(5)] == [failure] * 5
    refusal = peers.ask()
    assert isinstance(refusal, PeerUnavailable)
    assert len(peers.asks) == 5
    assert (refusal.status_code, refusal.reason, refusal.peer) == (503, "PEER_UNAVAILABLE", "call")
    assert refusal.sentence == f"call-manager is not asked: the circuit breaker is open for {TARGET}"


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_any_answer_begins_the_count_anew(answer: Any) -> None:
    """Errors that the peer itself tells included: it is alive."""
    peers = Peers()
    for _ in range(3):
        peers.fail(4)
        assert peers.ask(answer) is answer
    assert not peers.refuses()


def test_a_broken_connection_of_ours_says_nothing_of_the_peer() -> None:
    """It neither counts nor clears the count."""
    peers = Peers()
    peers.fail(4)
    for _ in range(9):
        assert isinstance(peers.ask(BrokerLost()), BrokerLost)
    peers.fail(1)
    assert peers.refuses()


def test_each_peer_has_a_breaker_of_its_own() -> None:
    """Another manager is asked as ever."""
    peers = Peers()
    peers.fail()
    assert peers.refuses()
    assert peers.ask("alive", peer="queue") == "alive"


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_a_probe_that_is_answered_closes_it(answer: Any) -> None:
    """After 30 seconds one call is let through, and then all."""
    peers = Peers()
    peers.fail()
    peers.now = 30
    assert peers.ask(answer) is answer
    assert not any(peers.refuses() for _ in range(3))


def test_a_probe_that_fails_opens_it_for_another_while() -> None:
    """30 seconds from its end."""
    peers = Peers()
    peers.fail()
    peers.now = 31
    peers.fail(1)
    peers.now = 60.9
    assert peers.refuses()
    peers.now = 61
    assert not peers.refuses()


def test_a_probe_whose_connection_breaks_is_followed_by_another() -> None:
    """Else nobody would ever ask again."""
    peers = Peers()
    peers.fail()
    peers.now = 30
    assert isinstance(peers.ask(BrokerLost()), BrokerLost)
    assert peers.metric("circuitbreaker_state") == 2
    assert not peers.refuses()
    assert peers.metric("circuitbreaker_state") == 0


def test_a_process_that_is_ended_in_the_middle_of_a_probe_leaves_no_place_taken() -> None:
    """Whatever ends a call gives its place back."""
    peers = Peers()
    peers.fail()
    peers.now = 30
    for _ in range(RULE.calls + 1):
        with pytest.raises(KeyboardInterrupt):
            peers.ask(KeyboardInterrupt())
    assert not peers.refuses()


def test_metrics_tell_state_changes_and_refusals() -> None:
    """Named as dashboards know them; the target is the peer's queue."""
    peers = Peers()
    states = []

    def see() -> None:
        states.append(peers.metric("circuitbreaker_state"))

    peers.ask()
    see()
    peers.fail()
    see()
    assert peers.refuses()
    peers.now = 30
    peers.fail(1)
    see()
    peers.now = 60
    peers.ask()
    see()
    assert states == [0, 1, 1, 0]
    changes = {("closed", "open"): 1, ("open", "half-open"): 2, ("half-open", "open"): 1, ("half-open", "closed"): 1}
    for (before, after), times in changes.items():
        labels = {"from": before, "to": after}
        assert peers.metric("circuitbreaker_state_transitions_total", **labels) == times
    assert peers.metric("circuitbreaker_rejected_total") == 1


def test_the_log_tells_changes_only() -> None:
    """One line for each, not one for each call."""
    peers = Peers()
    with capture_logs() as logs:
        peers.fail()
        assert peers.refuses()
        peers.now = 30
        assert not peers.refuses()
    told = [(line["event"], line["target"], line["before"], line["after"]) for line in logs]
    assert told == [
        ("circuit_changed", TARGET, "closed", "open"),
        ("circuit_changed", TARGET, "open", "half-open"),
        ("circuit_changed", TARGET, "half-open", "closed"),
    ]


@dataclass
class SlowPeer:
    """A peer that keeps everybody waiting until it is let go."""

    asked: Semaphore = field(default_factory=lambda: Semaphore(0))
    """Released by each call that has arrived."""
    go: Event = field(default_factory=Event)

    def call(self, ask: Ask) -> str:
        """Answer when told to."""
        self.asked.release()
        assert self.go.wait(WAIT)
        return ask.uri

    def arrived(self, calls: int) -> None:
        """Wait until so many calls wait here."""
        for _ in range(calls):
            assert self.asked.acquire(timeout=WAIT)


@contextmanager
def waiting(rpc: GuardedRpc, peer: SlowPeer, calls: int) -> Iterator[list[Any]]:
    """Let threads wait for a slow peer; what they are told is in the list afterwards."""
    answers: list[Any] = []
    with ThreadPoolExecutor(calls) as pool:
        under_way = [pool.submit(rpc.call, ASK) for _ in range(calls)]
        try:
            peer.arrived(calls)
            yield answers
        finally:
            peer.go.set()
        answers += [one.result(WAIT) for one in under_way]


def guarded(rpc: Any, rule: Rule = RULE, *, clock: Callable[[], float] = lambda: 0.0) -> tuple[GuardedRpc, Metrics]:
    metrics = Metrics()
    return GuardedRpc(rpc, Breakers(rule, metrics, "{}".format, clock=clock)), metrics


def test_only_so_many_wait_for_one_peer() -> None:
    """One call more is refused, and counted; it says nothing of the peer."""
    peer = SlowPeer()
    rpc, metrics = guarded(peer)
    with waiting(rpc, peer, RULE.calls) as answers:
        for _ in range(9):
            with pytest.raises(PeerUnavailable, match="2 calls wait for call already"):
                rpc.call(ASK)
    assert answers == [ASK.uri] * RULE.calls
    assert metrics.registry.get_sample_value("flow_manager_bulkhead_rejected_total", {"target": "call"}) == 9
    assert rpc.call(ASK) == ASK.uri


def test_others_are_asked_while_one_peer_hangs() -> None:
    """The places are those of one peer."""
    peer = SlowPeer()
    rpc, _ = guarded(peer)
    with waiting(rpc, peer, RULE.calls):
        other = GuardedRpc(Peers(), rpc.breakers)
        assert other.call(Ask(peer="queue", method="GET", uri="/v1/queues")) == "answer"


def test_a_call_that_waits_for_a_place_gets_the_one_that_becomes_free() -> None:
    """A short crowd does no harm."""
    peer = SlowPeer()
    rpc, metrics = guarded(peer, Rule(failures=5, seconds=30, calls=1, wait_seconds=WAIT))
    with ThreadPoolExecutor(1) as pool, waiting(rpc, peer, 1):
        patient = pool.submit(rpc.call, ASK)
        peer.go.set()
        assert patient.result(WAIT) == ASK.uri
    assert metrics.registry.get_sample_value("flow_manager_bulkhead_rejected_total", {"target": "call"}) is None


def test_a_call_that_gets_a_place_after_the_breaker_opened_is_refused() -> None:
    """It does not wait for a peer that is known to hang."""
    go = Event()
    peers = Peers(answer=PeerTimeout("call", 3))
    rpc, metrics = guarded(peers, Rule(failures=1, seconds=30, calls=1, wait_seconds=WAIT))
    breaker = rpc.breakers.of("call")

    def ask() -> Any:
        breaker.check("call")
        go.set()
        return rpc.call(ASK)

    with ThreadPoolExecutor(1) as pool:
        with breaker.place("call"):
            late = pool.submit(ask)
            assert go.wait(WAIT)
            breaker.leave(Permit.CALL, Verdict.FAILED)
        assert isinstance(late.exception(WAIT), PeerUnavailable)
    assert peers.asks == []
    assert metrics.registry.get_sample_value("flow_manager_circuitbreaker_rejected_total", {"target": "call"}) == 1


def test_of_many_threads_one_is_the_probe() -> None:
    """All come at once when the time is over; the others are refused until it has an answer."""
    threads, now, peer = 8, [0.0], SlowPeer()
    rpc, metrics = guarded(peer, Rule(failures=1, seconds=30, calls=threads, wait_seconds=WAIT), clock=lambda: now[0])
    with pytest.raises(PeerTimeout):
        GuardedRpc(Peers(answer=PeerTimeout("call", 3)), rpc.breakers).call(ASK)
    now[0] = 30.0
    start, refused = Barrier(threads), Semaphore(0)

    def ask() -> Any:
        start.wait(WAIT)
        try:
            return rpc.call(ASK)
        except PeerUnavailable:
            refused.release()

    with ThreadPoolExecutor(threads) as pool:
        under_way = [pool.submit(ask) for _ in range(threads)]
        assert all(refused.acquire(timeout=WAIT) for _ in range(threads - 1))
        peer.go.set()
        assert [one.result(WAIT) for one in under_way].count(ASK.uri) == 1
    assert metrics.registry.get_sample_value("flow_manager_circuitbreaker_state", {"target": "call"}) == 0


def test_threads_share_the_count() -> None:
    """Failures of different threads open it together."""
    rpc, _ = guarded(Peers(answer=PeerTimeout("call", 3)), Rule(failures=40, seconds=30, calls=4, wait_seconds=WAIT))

    def fail(_number: int) -> None:
        with pytest.raises(PeerTimeout):
            rpc.call(ASK)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fail, range(40)))
    with pytest.raises(PeerUnavailable):
        rpc.call(ASK)


@dataclass
class Nested:
    """A peer that, while it is asked, asks again: as many wait as there are places."""

    breakers: Breakers
    depth: int = 0

    def call(self, ask: Ask) -> int:
        """Return how many waited."""
        self.depth += 1
        try:
            found: int = self.breakers.of(ask.peer).call(self, ask)
        except PeerUnavailable:
            return self.depth
        return found


@pytest.mark.parametrize(
    ("threads", "peer_calls", "places"), [(1, 0, 2), (4, 0, 2), (5, 0, 3), (8, 0, 4), (8, 1, 1), (2, 9, 9)]
)
def test_half_of_the_threads_may_wait_for_one_peer(threads: int, peer_calls: int, places: int) -> None:
    """At least two, unless set."""
    settings = Settings(threads=threads, relief_threads=0, peer_calls=peer_calls, peer_wait_seconds=0.001)
    breakers = make_breakers(settings, Metrics())
    assert Nested(breakers).call(ASK) == places + 1
