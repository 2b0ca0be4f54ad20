"""Callers: threads that run one script after the other, as the platform's managers would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from time import sleep

from tests.faults.asker import GaveUp
from tests.faults.customer import run_customer
from tests.faults.play import Play
from tests.faults.scripts import (
    append_elsewhere,
    run_blocks,
    run_edits,
    run_ivr,
    run_jumps,
    run_push,
    run_reads,
    run_services,
    run_timers,
    run_writes,
)
from tests.faults.stage import Stage
from tests.faults.told import run_keys, run_news

SCRIPTS: Mapping[str, tuple[int, str, Callable[[Play], None]]] = {
    "ivr": (5, "ivr", run_ivr),
    "push": (4, "push", run_push),
    "timers": (3, "timers", run_timers),
    "blocks": (3, "blocks", run_blocks),
    "jumps": (2, "blocks", run_jumps),
    "edits": (3, "edits", run_edits),
    "writes": (3, "writes", run_writes),
    "services": (3, "services", run_services),
    "news": (3, "blocks", run_news),
    "keys": (2, "keys", run_keys),
    "customer": (1, "", run_customer),
    "reads": (1, "", run_reads),
    "appends": (4, "", append_elsewhere),
}
"""Weight, flow, and what the caller does; without a flow nothing is created."""


ROLES = {0: "keys", 1: "ivr"}
"""Callers who have one script only: at any time there are events that must not be lost, steps that must be right."""


class Caller(Thread):
    """Runs scripts until the play is closing, and finishes the one in hand."""

    def __init__(self, stage: Stage, number: int) -> None:
        super().__init__(name=f"caller-{number}", daemon=True)
        self.stage, self.number = stage, number
        self.dice = stage.random(f"{self.name} scripts")
        self.asker = stage.asker(self.name)

    def run(self) -> None:
        """Run scripts."""
        weights = [weight for weight, _, _ in SCRIPTS.values()]
        while not self.stage.closing.is_set():
            name = ROLES.get(self.number) or self.dice.choices(list(SCRIPTS), weights)[0]
            with suppress(GaveUp):
                self.play(name)
            sleep(self.dice.uniform(0, 0.1))
        self.asker.close()

    def play(self, name: str) -> None:
        """Run one script."""
        _, shape, act_out = SCRIPTS[name]
        play = Play(self.stage, self.asker, shape or "after", self.dice)
        if shape:
            play.create()
        act_out(play)
        if shape:
            play.done()
