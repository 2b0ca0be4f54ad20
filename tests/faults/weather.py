"""The faults of a run: which, when and for how long is told by the seed."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from time import monotonic, sleep

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.faults.clock import LONGEST_SECONDS, PATIENCE, jump
from tests.faults.commits import MOMENTS
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


@dataclass
class Weather:
    """Makes faults, one after the other; some last while others come."""

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
    helpers: list[Thread] = field(default_factory=list)

    def blow(self, seconds: float, gap: tuple[float, float]) -> None:
        """Make faults for so long, with pauses of that length between their beginnings."""
        self.began = monotonic()
        next_at = self.began + self.random.uniform(*gap)
        while monotonic() < self.began + seconds:
            self.crew.look(self.random.uniform(0.1, 2.0))
            self.end_spells(monotonic())
            if monotonic() >= next_at:
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

    def strike(self) -> None:
        """Begin a fault of a kind that is not under way."""
        kinds = {name: weight for name, (weight, _) in KINDS.items() if self.possible(name)}
        name = self.random.choices(list(kinds), list(kinds.values()))[0]
        try:
            spell = KINDS[name][1](self)
        except DBAPIError:  # the database is away or frozen just now
            return
        self.note(spell.text + (f" for {spell.seconds:.1f} s" if spell.undo else ""))
        if spell.undo is not None:
            self.under_way[name] = (monotonic() + spell.seconds, spell)

    def possible(self, name: str) -> bool:
        """Say whether a fault can begin now."""
        if self.points:
            return name == "kill at commit"
        return name not in self.under_way and (name not in OWN or bool(self.servers))

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

    def worker(self) -> Slot:
        """Pick a worker: at random, or in turn, so that each comes to the commit at which it is to die."""
        if self.points:
            return min(self.crew.slots, key=lambda slot: slot.started)
        return self.random.choice([slot for slot in self.crew.slots if not slot.held] or list(self.crew.slots))

    def commit_point(self) -> tuple[int, str]:
        """Pick the commit at which a worker dies, and the moment before or after it."""
        if self.points:
            return self.points.popleft()
        return self.random.randint(1, COMMITS), self.random.choice(MOMENTS)

    def link(self) -> tuple[str, FaultyLink]:
        """Pick a connection."""
        return self.random.choice(list(self.links.items()))


def kill(weather: Weather) -> Spell:
    """Kill a worker."""
    slot = weather.worker()
    slot.kill()
    return Spell(f"kill -9 {slot.name}")


def kill_at_commit(weather: Weather) -> Spell:
    """Have a worker die at a commit of its next life, which begins now."""
    slot, (commit, moment) = weather.worker(), weather.commit_point()
    slot.arm(commit, moment)
    slot.kill()
    return Spell(f"kill -9 {slot.name}, and again at commit {commit} ({moment})")


def hold(weather: Weather) -> Spell:
    """Stop a worker for a moment."""
    slot = weather.worker()
    slot.hold()
    return Spell(f"SIGSTOP {slot.name}", weather.random.uniform(0.3, 2.0), slot.release)


def hold_long(weather: Weather) -> Spell:
    """Stop a worker for longer than others believe it alive, while the peers are slow: it wakes up in the middle."""
    slot = weather.worker()
    weather.stage.stubs.rule("* POST * delay=1.0 times=6")
    sleep(0.5)
    slot.hold()
    return Spell(f"SIGSTOP {slot.name}", weather.orphan_seconds + weather.random.uniform(2.0, 5.0), slot.release)


def end(weather: Weather) -> Spell:
    """Ask a worker to end."""
    slot = weather.worker()
    slot.end()
    return Spell(f"SIGTERM {slot.name}")


def cut(weather: Weather) -> Spell:
    """Break connections."""
    name, link = weather.link()
    link.cut()
    return Spell(f"cut {name}")


def slow(weather: Weather) -> Spell:
    """Let data be late."""
    name, link = weather.link()
    link.delay = weather.random.uniform(0.02, 0.2)
    return Spell(f"slow {name}, {link.delay * 1000:.0f} ms", weather.random.uniform(1.0, 4.0), link.heal)


def half_open(weather: Weather) -> Spell:
    """Leave connections open without handing anything on."""
    name, link = weather.link()
    link.half_open()
    return Spell(f"half-open {name}", weather.random.uniform(1.0, 6.0), link.heal)


def pause(weather: Weather) -> Spell:
    """Hold data up, and hand it on later."""
    name, link = weather.link()
    link.pause()
    return Spell(f"pause {name}", weather.random.uniform(0.5, 5.0), link.heal)


def down(weather: Weather) -> Spell:
    """Take connections away and refuse new ones."""
    name, link = weather.link()
    link.down()
    return Spell(f"down {name}", weather.random.uniform(0.5, 5.0), link.heal)


def peers(weather: Weather) -> Spell:
    """Let other managers misbehave."""
    rules = [weather.random.choice(RULES) for _ in range(weather.random.randint(1, 3))]
    weather.stage.stubs.add_rules(rules)
    return Spell("peers: " + ", ".join(rules), weather.random.uniform(1.0, 5.0), weather.stage.stubs.rules.clear)


RULES = (
    "* * * delay=0.5",
    "* POST * delay=3.5 times=4",
    "* POST * lost times=3",
    "* POST * silent times=3",
    "email * * fail=503 times=5",
    "webhook POST /v1/webhook_destinations nonsense times=5",
    "call POST /v1/calls/<id>/actions lost times=4",
)


def freeze(weather: Weather) -> Spell:
    """Let the database accept no writes for a while."""
    engine = create_engine(weather.dsn)
    connection = engine.connect()
    try:
        connection.execute(text(PATIENCE))
        connection.execute(text("FLUSH TABLES WITH READ LOCK"))
    except DBAPIError:
        connection.close()
        engine.dispose()
        raise

    def thaw() -> None:
        with suppress(DBAPIError):
            connection.close()
        engine.dispose()

    return Spell("freeze the database", weather.random.uniform(0.5, 7.0), thaw)


def jump_ahead(weather: Weather) -> Spell:
    """Let the database's clock jump: all workers look dead for a moment, all waits are over sooner."""
    seconds = weather.random.uniform(1.0, LONGEST_SECONDS)
    jump(weather.dsn, seconds)
    return Spell(f"the clock jumps {seconds:.0f} s ahead")


def restart_database(weather: Weather) -> Spell:
    """Restart the database, in order or not."""
    return restart(weather, "mysql")


def restart_broker(weather: Weather) -> Spell:
    """Restart the broker, in order or not."""
    return restart(weather, "rabbitmq")


def restart(weather: Weather, name: str) -> Spell:
    """Restart a server beside everything else; it takes as long as it takes."""
    number = weather.random.choice((signal.SIGKILL, signal.SIGTERM))
    seconds = weather.random.uniform(0.0, 2.0)
    helper = Thread(target=weather.servers[name].bounce, args=(number, seconds), daemon=True)
    helper.start()
    weather.helpers.append(helper)
    return Spell(f"restart {name} by {number.name}", 10.0, helper.join)


KINDS: Mapping[str, tuple[int, Callable[[Weather], Spell]]] = {
    "kill": (5, kill),
    "kill at commit": (5, kill_at_commit),
    "hold": (2, hold),
    "hold long": (3, hold_long),
    "end": (2, end),
    "cut": (4, cut),
    "slow": (2, slow),
    "half-open": (2, half_open),
    "pause": (2, pause),
    "down": (2, down),
    "peers": (4, peers),
    "clock": (2, jump_ahead),
    "freeze": (2, freeze),
    "restart database": (2, restart_database),
    "restart broker": (2, restart_broker),
}
"""Weight of each kind of fault."""
OWN = frozenset({"freeze", "restart database", "restart broker"})
"""Faults that need servers of our own."""
