"""Whose requests a process is handling: so that one customer's flood does not hold up the requests of others.

Requests of all customers come from one queue, the first to come first. A customer who already occupies half of the
lanes *crowds*: what else comes of his is moved to a queue of its own, so that others are not behind it. Where only one
customer is seen nothing is ever moved. All of it is in memory; what is not known is let through.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, local
from time import monotonic
from typing import Any

from flowmanager.core.ids import NIL, Id

WINDOW_SECONDS = 60.0
"""How long a customer counts as present after a request: calls ask again after seconds, some after a long talk."""
MOST_KNOWN = 10_000
"""Records whose customer is remembered: some megabytes."""
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OF_RECORD = re.compile(rf"/v1/(activeflows|variables|flows)/({ID.pattern})(?![^/?])")


class Crowd:
    """Counts the requests in hand for each customer; shared by all lanes of a process."""

    def __init__(self, lanes: int, *, clock: Callable[[], float] = monotonic, most_known: int = MOST_KNOWN) -> None:
        """`lanes`: how many requests the process handles at the same time."""
        self.most = max(lanes // 2, 1)
        """Requests of one customer that are handled at the same time while others are there."""
        self._clock = clock
        self._lock = Lock()
        self._busy: Counter[Id] = Counter()
        self._most_known = most_known
        self._known: OrderedDict[Id, Id] = OrderedDict()
        self._last: tuple[Id, float] = ("", 0.0)
        """Who came last, and when."""
        self._other: tuple[Id, float] = ("", 0.0)
        """Who came last of those who are not that one."""
        self._told: tuple[Id, float] = ("", 0.0)
        self._mine = local()
        """Whose request the thread handles."""

    def learn(self, record_id: Id, customer_id: Id) -> None:
        """Remember whose a record is; the one that was not needed for the longest time is forgotten."""
        if customer_id in ("", NIL):
            return
        with self._lock:
            self._known[record_id] = customer_id
            self._known.move_to_end(record_id)
            if len(self._known) > self._most_known:
                self._known.popitem(last=False)

    def customer_of(self, uri: str, data: Any) -> Id:
        """Return whose a request is: the customer it names, else that of the record in its URI; empty: not known."""
        named = data.get("customer_id") if isinstance(data, dict) else None
        if isinstance(named, str) and ID.fullmatch(named) and named != NIL:
            return named
        _, record_id = record_of(uri)
        with self._lock:
            if record_id in self._known:
                self._known.move_to_end(record_id)
            return self._known.get(record_id, "")

    def pressed(self) -> bool:
        """Say whether it matters whose a request is: half of the lanes are busy, and several customers are there."""
        with self._lock:
            return self._busy.total() >= self.most and self._present(self._other)

    def enter(self, customer_id: Id, *, may_wait: bool = True) -> bool:
        """Count a request in, unless it crowds: then it is to be moved. `may_wait` False: it must be handled here."""
        with self._lock:
            self._see(customer_id)
            if may_wait and self._crowds(customer_id):
                return False
            self._busy[customer_id] += 1
        self._mine.customer_id = customer_id
        return True

    def crowds(self, customer_id: Id) -> bool:
        """Say whether a request of a customer would be moved."""
        with self._lock:
            self._see(customer_id)
            return self._crowds(customer_id)

    def leave(self, customer_id: Id) -> None:
        """A request that was counted in is handled."""
        self._mine.customer_id = None
        self._count_out(customer_id)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The thread's request waits for another manager meanwhile, and takes nothing from others."""
        customer_id = getattr(self._mine, "customer_id", None)
        if customer_id is None:
            yield
            return
        self.leave(customer_id)
        try:
            yield
        finally:
            self._mine.customer_id = customer_id
            with self._lock:
                self._busy[customer_id] += 1

    def _count_out(self, customer_id: Id) -> None:
        with self._lock:
            self._busy[customer_id] -= 1
            if not self._busy[customer_id]:
                del self._busy[customer_id]

    def news(self, customer_id: Id) -> bool:
        """Say whether nobody was told lately that this customer crowds."""
        with self._lock:
            told = self._told[0] == customer_id and self._present(self._told)
            if not told:
                self._told = (customer_id, self._clock())
            return not told

    def _crowds(self, customer_id: Id) -> bool:
        other = self._last if self._last[0] != customer_id else self._other
        return bool(customer_id) and self._busy[customer_id] >= self.most and self._present(other)

    def _see(self, customer_id: Id) -> None:
        if customer_id:
            if self._last[0] != customer_id:
                self._other = self._last
            self._last = (customer_id, self._clock())

    def _present(self, seen: tuple[Id, float]) -> bool:
        return bool(seen[0]) and self._clock() - seen[1] < WINDOW_SECONDS


def record_of(uri: str) -> tuple[str, Id]:
    """Return the kind and the id of the record that a URI names; empty: none whose customer could be known."""
    found = OF_RECORD.match(uri)
    return (found[1], found[2]) if found else ("", "")
