"""One script under way: what it can ask of an activeflow, now and then together with somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from random import Random
from threading import Thread
from time import monotonic, sleep

from flowmanager.core.ids import FINISH, START
from tests.faults.asker import Asker, GaveUp, Reply
from tests.faults.flows import CALLED
from tests.faults.history import Json
from tests.faults.stage import Stage

POLL_SECONDS = 0.15
STALE_SHARE = 0.1
RIVAL_SHARE = 0.15
STOP_SHARE = 0.03


class Play:
    """One script under way: an activeflow and the one who drives it."""

    def __init__(self, stage: Stage, asker: Asker, shape: str, random: Random) -> None:
        self.stage, self.asker, self.shape, self.random = stage, asker, shape, random
        self.customer_id = random.choice(stage.customers)
        self.flow = stage.flows[shape, self.customer_id]
        self.id, self.reference_id = asker.new_id(), asker.new_id()
        self.current = START
        self.passed: list[str] = []
        """Actions that are not current any more."""

    @property
    def uri(self) -> str:
        """Where the activeflow is."""
        return f"/v1/activeflows/{self.id}"

    def create(self) -> None:
        """Create the activeflow."""
        facts = {"shape": self.shape, "customer_id": self.customer_id, "flow_id": self.flow["id"]}
        self.stage.history.add("script", activeflow_id=self.id, **facts)
        wanted = {
            "id": self.id,
            "customer_id": self.customer_id,
            "flow_id": self.flow["id"],
            "reference_type": "call" if self.shape in CALLED else "api",
            "reference_id": self.reference_id,
            "variables": {"log": ""},
        }
        self.ask("create", "POST", "/v1/activeflows", wanted)
        self.stage.begin(self.id)

    def ask(self, operation: str, method: str, uri: str, data: object = None, **facts: object) -> Reply:
        """Ask about this activeflow."""
        return self.asker.ask(operation, method, uri, data, activeflow_id=self.id, **facts)

    def post(self, operation: str, verb: str, data: object = None, **facts: object) -> Reply:
        """Tell the activeflow something."""
        return self.ask(operation, "POST", f"{self.uri}/{verb}", data, **facts)

    def next(self, *expected: str) -> str | None:
        """Go on to the next action and return its id; None: the flow is over."""
        seen, facts = self.current, {"expected": list(expected)}
        rival = Rival(self, seen, facts) if self.random.random() < RIVAL_SHARE else None
        reply = self.asked_next("next", seen, facts)
        if rival is not None:
            reply = rival.better(reply)
        if not reply.good or reply.data["id"] == FINISH:
            return None
        self.passed.append(seen)
        self.current = reply.data["id"]
        stale = [one for one in self.passed if one != self.current]
        if stale and self.random.random() < STALE_SHARE:
            self.asked_next("stale-next", self.random.choice(stale), {})
        return self.current

    def asked_next(self, operation: str, seen: str, facts: Mapping[str, object], asker: Asker | None = None) -> Reply:
        """Ask for the action after the one that is believed to be current."""
        ask = (asker or self.asker).ask
        data = {"current_action_id": seen}
        return ask(operation, "GET", f"{self.uri}/next", data, activeflow_id=self.id, **facts)

    def append(self, token: str) -> Reply:
        """Append a token to the variable `log`."""
        data = {"variables": {"log": "${log}" + token}}
        return self.ask("append", "POST", f"/v1/variables/{self.id}/variables", data, token=token)

    def show(self) -> Json:
        """Read the activeflow."""
        reply = self.ask("read", "GET", self.uri, customer_id=self.customer_id)
        found: Json = reply.data if reply.good else {}
        return found

    def until(self, *states: str) -> Json:
        """Wait for a state and show the activeflow. Raises GaveUp."""
        began = monotonic()
        while (found := self.show()).get("state") not in states:
            if self.stage.patience.over(began):
                raise GaveUp(self.id)
            sleep(POLL_SECONDS)
        return found

    def done(self) -> None:
        """Nothing more is to happen here."""
        self.stage.history.add("script_done", activeflow_id=self.id)


class Rival:
    """Somebody else who asks for the same next action at the same time: one of the two must be refused."""

    def __init__(self, play: Play, seen: str, facts: Mapping[str, object]) -> None:
        self.play, self.seen, self.facts = play, seen, facts
        self.reply: Reply | None = None
        self.asker = play.stage.asker(f"rival {play.id} {seen} {len(play.passed)}")
        self.thread = Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        """Ask."""
        with suppress(GaveUp):
            self.reply = self.play.asked_next("rival-next", self.seen, self.facts, self.asker)
        self.asker.close()

    def better(self, reply: Reply) -> Reply:
        """Return the answer of the one who was served."""
        self.thread.join()
        if self.reply is not None and self.reply.good and not reply.good:
            return self.reply
        return reply


def walk(play: Play) -> Iterator[str]:
    """Walk through a flow, action by action."""
    while (current := play.next()) is not None:
        yield current
