"""The process of the load generator: `python -m bench.load` with its orders as JSON on stdin, a line a round."""

from __future__ import annotations

import sys
from typing import Any

import orjson

from bench import scenarios
from bench.pump import Pump, Scenario
from flowmanager.discover import collect


def main() -> None:
    """Connect, prepare, then for each line `{"seconds": s}` run a round and print what was measured."""
    order = orjson.loads(sys.stdin.readline())
    scenario = by_name(order["scenario"])
    exchange = order["event_exchange"] if scenario.listens else ""
    pump = Pump(order["url"], order["queue"], order["event_queue"], exchange)
    with pump:
        user = scenario.start(pump)
        users = [user() for _ in range(order["in_flight"])]
        say({"ready": True})
        for line in sys.stdin:
            seconds = orjson.loads(line)["seconds"]
            counted = pump.run(users, seconds)
            say({"rate": counted.operations / seconds, "times": counted.times, "finished": counted.finished})


def by_name(name: str) -> Scenario:
    """Return a scenario."""
    return next(one for one in collect(scenarios, Scenario) if one.name == name)


def say(value: Any) -> None:
    """Print a line."""
    print(orjson.dumps(value).decode(), flush=True)


if __name__ == "__main__":
    main()
