"""The kinds of faults, and how often each comes."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from time import sleep

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.faults.clock import BACK_SECONDS, LONGEST_SECONDS, PATIENCE, execute, jump
from tests.faults.commits import STOPS
from tests.faults.weather import Kind, Spell, Weather


def kill(weather: Weather) -> Spell:
    """Kill a worker."""
    slot = weather.worker()
    slot.kill()
    return Spell(f"kill -9 {slot.name}")


def kill_at_commit(weather: Weather) -> Spell:
    """Have a worker die, or stop, at a commit of its next life, which begins now."""
    slot, (commit, moment) = weather.worker(), weather.commit_point()
    seconds = weather.orphan_seconds + weather.random.uniform(1.0, 4.0)
    slot.arm(commit, moment, seconds)
    slot.kill()
    if moment in STOPS:
        where = moment.removeprefix("stop ")
        return Spell(f"kill -9 {slot.name}, and SIGSTOP {where} its commit {commit} for {seconds:.1f} s")
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


def snip(weather: Weather) -> Spell:
    """Break connections in the middle of a message."""
    name, link = weather.link()
    link.snip()
    return Spell(f"cut {name} in the middle of a message")


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


def read_only(weather: Weather) -> Spell:
    """Let the database refuse all writes of ordinary users, as one does that is a replica now."""
    execute(weather.dsn, "SET GLOBAL read_only = 1")

    def writable() -> None:
        with suppress(DBAPIError):  # one that is away comes back writable
            execute(weather.dsn, "SET GLOBAL read_only = 0")

    return Spell("the database is read-only", weather.random.uniform(0.5, 5.0), writable)


def jump_ahead(weather: Weather) -> Spell:
    """Let the database's clock jump ahead: all workers look dead for a moment, all waits are over sooner."""
    seconds = weather.random.uniform(1.0, LONGEST_SECONDS)
    jump(weather.dsn, seconds)
    return Spell(f"the clock jumps {seconds:.0f} s ahead")


def jump_back(weather: Weather) -> Spell:
    """Let the database's clock jump back, as one that is put right does."""
    seconds = weather.random.uniform(0.1, BACK_SECONDS)
    jump(weather.dsn, -seconds)
    return Spell(f"the clock jumps {seconds:.1f} s back")


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


KINDS: Mapping[str, Kind] = {
    "kill": Kind(5, kill),
    "kill at commit": Kind(5, kill_at_commit),
    "hold": Kind(2, hold),
    "hold long": Kind(3, hold_long),
    "end": Kind(2, end),
    "cut": Kind(3, cut),
    "snip": Kind(2, snip),
    "slow": Kind(2, slow),
    "half-open": Kind(2, half_open),
    "pause": Kind(2, pause),
    "down": Kind(2, down),
    "peers": Kind(4, peers),
    "clock": Kind(2, jump_ahead),
    "clock back": Kind(2, jump_back),
    "freeze": Kind(2, freeze, own_servers=True, never_with=("read-only",)),
    "read-only": Kind(2, read_only, own_servers=True, never_with=("freeze",)),
    "restart database": Kind(2, restart_database, own_servers=True),
    "restart broker": Kind(2, restart_broker, own_servers=True),
}
