"""The maker of faults: which, when and for how long is told by the seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from time import monotonic, sleep

from sqlalchemy.exc import DBAPIError

from tests.faults.commits import MARK, MOMENTS
from tests.faults.history import History
from tests.faults.links import FaultyLink
from tests.faults.servers import Server
from tests.faults.stage import Stage
from tests.faults.workers import Crew, Slot

TICK_SECONDS = 0.05
COMMITS = 60
"""A worker dies at one of its first so many commits."""


@dataclass(frozen=True)
class Spell:
    """One fault under way. `undo` ends it."""

    text: str
    seconds: float = 0.0
    undo: Callable[[], None] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    weight: int
    begin: Callable[[Weather], Spell]
    own_servers: bool = False
    """It needs servers that are of this run alone."""
    never_with: Collection[str] = ()
    """Kinds that are not under way at the same time."""


@dataclass
class Weather:
    """Makes faults, one after the other; some last while others come."""

    kinds: Mapping[str, Kind]
    stage: Stage
    history: History
    random: Random
    crew: Crew
    links: Mapping[str, FaultyLink]
    servers: Mapping[str, Server]
    orphan_seconds: float
    dsn: str = ""
    points: deque[tuple[int, str]] = field(default_factory=deque)
    """While there are any, workers die at these commits, one after the other, and nothing else happens."""
    began: float = 0.0
    timeline: list[str] = field(default_factory=list)
    under_way: dict[str, tuple[float, Spell]] = field(default_factory=dict)
    """By kind: when it ends."""
    armed: int = 0
    """How many times a worker was told to die or stop at a commit."""
    helpers: list[Thread] = field(default_factory=list)

    def blow(self, seconds: float, gap: tuple[float, float]) -> None:
        """Make faults for so long, with pauses of that length between their beginnings."""
        self.began = monotonic()
        next_at = self.began + self.random.uniform(*gap)
        while monotonic() < self.began + seconds:
            self.crew.look(self.random.uniform(0.1, 2.0))
            self.end_spells(monotonic())
            if monotonic() >= next_at and (not self.points or self.free()):
                self.strike()
                next_at = monotonic() + self.random.uniform(*gap)
            sleep(TICK_SECONDS)

    def calm(self) -> None:
        """End all faults, and wait until every worker and server is there."""
        self.end_spells(float("inf"))
        for helper in self.helpers:
            helper.join()
        for link in self.links.values():
            link.heal()
        self.stage.stubs.rules.clear()
        self.crew.calm()
        self.crew.look(0.0)
        self.note("calm")
        logs = sorted(self.crew.slots[0].folder.glob("worker-*.log"))
        reached = sum(MARK in log.read_bytes() for log in logs)
        self.note(f"workers came to {reached} of {self.armed} commits at which they were to die or stop")

    def strike(self) -> None:
        """Begin a fault of a kind that is not under way."""
        kinds = {name: kind.weight for name, kind in self.kinds.items() if self.possible(name)}
        name = self.random.choices(list(kinds), list(kinds.values()))[0]
        try:
            spell = self.kinds[name].begin(self)
        except DBAPIError:  # the database is away or frozen just now
            return
        self.note(spell.text + (f" for {spell.seconds:.1f} s" if spell.undo else ""))
        if spell.undo is not None:
            self.under_way[name] = (monotonic() + spell.seconds, spell)

    def possible(self, name: str) -> bool:
        """Say whether a fault can begin now."""
        if self.points:
            return name == "kill at commit"
        kind = self.kinds[name]
        if kind.own_servers and not self.servers:
            return False
        return not {name, *kind.never_with} & self.under_way.keys()

    def end_spells(self, now: float) -> None:
        """End the faults that have lasted long enough."""
        for name, (until, spell) in list(self.under_way.items()):
            if until <= now and spell.undo is not None:
                del self.under_way[name]
                spell.undo()
                self.note(f"end of: {spell.text}")

    def note(self, text: str) -> None:
        """Write into the timeline."""
        self.timeline.append(f"{monotonic() - self.began:6.1f} s  {text}")
        self.history.add("fault", text=text)

    def free(self) -> list[Slot]:
        """Return the workers that are not on their way to the commit at which they are to die."""
        return [slot for slot in self.crew.slots if not slot.on_its_way]

    def worker(self) -> Slot:
        """Pick a worker: at random, or one after the other, so that each comes to the commit at which it is to die."""
        if self.points:
            return min(self.free(), key=lambda slot: slot.started)
        return self.random.choice([slot for slot in self.crew.slots if not slot.held] or list(self.crew.slots))

    def commit_point(self) -> tuple[int, str]:
        """Pick the commit at which a worker dies, and the moment before or after it."""
        self.armed += 1
        if self.points:
            return self.points.popleft()
        return self.random.randint(1, COMMITS), self.random.choice(MOMENTS)

    def link(self) -> tuple[str, FaultyLink]:
        """Pick a connection."""
        return self.random.choice(list(self.links.items()))
