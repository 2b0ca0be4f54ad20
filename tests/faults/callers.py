"""Callers: threads that run one script after the other, as the platform's managers would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from random import Random
from threading import Thread
from time import monotonic, sleep

import orjson

from flowmanager.core.ids import FINISH, START
from flowmanager.transport.envelope import PERSISTENT, Letter
from tests.faults.asker import Asker, GaveUp, Reply
from tests.faults.flows import CALLED, LOOPS, NUMBER_LIMIT, act, email, names_of, nap
from tests.faults.history import Json
from tests.faults.stage import Stage
from tests.faults.story import OVER

POLL_SECONDS = 0.15
SERVICE_SECONDS = 6.0
CHOICES = "123779"
DIGITS = "voipbin.call.digits"
KEYS, BURST = 80, 20
NEWS = "voipbin.transcribe.text"
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
        self.asker = play.stage.asker(f"rival {play.id} {seen}")
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


def run_ivr(play: Play) -> None:
    """Walk through the menu, pressing keys."""
    name = names_of(play.flow["actions"])
    visits = 0
    expected: list[str] = [name["answer"]]
    while (current := play.next(*expected)) is not None:
        expected = []
        if current == name["menu"]:
            expected = pressed(play, name)
        elif current == name["again"]:
            visits += 1
            expected = [name["menu"] if visits <= LOOPS else name["bye"]]
        if play.random.random() < STOP_SHARE:
            play.post("stop", "stop")
            return


def pressed(play: Play, name: Mapping[str, str]) -> list[str]:
    """Press a key at the menu and return where it must lead."""
    digit = play.random.choice(CHOICES)
    data = {"variables": {DIGITS: digit}}
    play.ask("digit", "POST", f"/v1/variables/{play.id}/variables", data)
    targets = {"1": ["sales"], "2": ["thanks"], "3": ["again"]} if int(digit) < NUMBER_LIMIT else {}
    return [name[one] for one in targets.get(digit, ["bye"])]


def run_push(play: Play) -> None:
    """Start a flow that events drive, and wait for its end; now and then it is stopped or the caller hangs up."""
    play.post("execute", "execute")
    if play.random.random() < STALE_SHARE * 3:
        play.post("execute-again", "execute")
    chance = play.random.random()
    if chance < STOP_SHARE * 4:
        sleep(play.random.uniform(0, 0.6))
        play.post("stop", "stop")
    elif chance < STOP_SHARE * 9:
        sleep(play.random.uniform(0, 0.6))
        play.stage.history.add("hangup", activeflow_id=play.id)
        play.stage.stubs.hang_up(play.reference_id)
    play.until("ended", "error")


def run_services(play: Play) -> None:
    """Start a flow that others take part in; where they have lost it, the caller gives up."""
    play.post("execute", "execute")
    patient_until = monotonic() + SERVICE_SECONDS
    while monotonic() < patient_until:
        if play.show().get("state") in OVER:
            return
        sleep(POLL_SECONDS)
    play.post("stop", "stop")


def run_timers(play: Play) -> None:
    """Start a flow that waits by itself, and delete it now and then."""
    play.post("execute", "execute")
    if play.random.random() < STOP_SHARE * 5:
        sleep(play.random.uniform(0, 0.5))
        play.ask("delete", "DELETE", play.uri)
        play.show()
        return
    play.until("ended", "error")


def run_blocks(play: Play) -> None:
    """Resume a flow that waits for that; then once more, as if nothing had happened."""
    play.post("execute", "execute")
    for _ in range(2):
        found = play.until("blocked", "ended", "error")
        if found["state"] != "blocked":
            return
        seen = {"current_action_id": found["current_action"]["id"]}
        play.post("continue", "continue", seen)
        if play.random.random() < STALE_SHARE * 4:
            play.post("stale-continue", "continue", seen)
    play.until("ended", "error")


def run_edits(play: Play) -> None:
    """Change a flow while it runs: push, add, release, jump."""
    new_id, main = play.asker.new_id, [action["id"] for action in play.flow["actions"]]
    play.next(main[0])
    first, effect, last, added = (new_id() for _ in range(4))
    pushed = [nap(first, 10), email(effect), nap(last, 10)]
    if not play.post("push", "push_actions", {"actions": pushed}).good:
        return
    play.next(first)
    chance = play.random.random()
    expected = last
    if chance < 0.35:
        play.post("add", "add_actions", {"actions": [act("sleep", added, duration=10)]})
        expected = added
    elif chance < 0.6:
        release(play, first)
        expected = main[1]
    play.next(expected)
    if play.random.random() < 0.4:
        data = {"forward_action_id": main[5]}
        play.ask("forward", "PUT", f"{play.uri}/forward_action_id", data)
        play.next(main[5])
    for _ in walk(play):
        pass


def release(play: Play, first: str) -> None:
    """Release the frame that was pushed."""
    frames = play.show().get("stack_map", {})
    found = [key for key, frame in frames.items() if (frame["actions"] or [{}])[0].get("id") == first]
    if found:
        play.post("release", "service_stop", {"service_id": found[0]})


def run_writes(play: Play) -> None:
    """Walk slowly while this and other callers write variables."""
    for number, _ in enumerate(walk(play)):
        for part in range(2):
            play.append(f"|{play.id[:8]}.{number}.{part}")


def run_reads(play: Play) -> None:
    """List what a customer has: nothing of anybody else, nothing that is deleted."""
    filters = {"customer_id": play.customer_id, "deleted": False}
    for uri in ("/v1/activeflows?page_size=20", "/v1/flows?page_size=20"):
        play.asker.ask("read-list", "GET", uri, filters, customer_id=play.customer_id)


def append_elsewhere(play: Play) -> None:
    """Append tokens to the variables of activeflows that others drive."""
    for _ in range(4):
        other = play.stage.pick_live(play.random)
        if other:
            play.id = other
            play.append(f"|{play.asker.new_id()[:13]}")


def run_news(play: Play) -> None:
    """Tell a flow that waits something by events, one after the other; older ones, sent again, must not count."""
    play.post("execute", "execute")
    if play.until("blocked", "ended", "error")["state"] == "blocked":
        letters = []
        for number in range(3):
            token = f"{play.id[:8]}.{number}"
            letters.append(news_letter(play, token))
            play.stage.post.send(letters[-1])
            applied = heard(play, token)
            play.stage.history.add("news", activeflow_id=play.id, token=token, applied=applied)
            play.stage.post.send(play.random.choice(letters))
    play.post("stop", "stop")


def run_keys(play: Play) -> None:
    """Press many keys, each told by an event that the broker keeps; each must count once."""
    play.post("execute", "execute")
    while (found := play.until("waiting", *OVER))["current_action"].get("type") != "digits_receive":
        if found["state"] in OVER:
            return
        sleep(POLL_SECONDS)
    sent = "".join(play.random.choices("0123456789", k=KEYS))
    letters = [key_letter(play, number, key) for number, key in enumerate(sent)]
    for number in range(0, KEYS, BURST):
        play.stage.post.send(*letters[number : number + BURST], *play.random.sample(letters, 2))
        sleep(play.random.uniform(0, 0.4))
    began = monotonic()
    while len(play.show().get("variables", {}).get(DIGITS, "")) < KEYS and not play.stage.patience.over(began):
        sleep(POLL_SECONDS)
    play.stage.history.add("keys", activeflow_id=play.id, sent=sent)
    play.post("stop", "stop")


def key_letter(play: Play, number: int, key: str) -> Letter:
    """Return the event of one key, which the broker keeps, with an identity of its own."""
    body = {"type": "media", "event": "dtmf", "activeflow_id": play.id, "digit": key}
    properties = {"delivery_mode": PERSISTENT, "message_id": f"{play.id}:{number}"}
    return Letter(body=orjson.dumps(body), routing_key=play.stage.names.event, properties=properties)


def news_letter(play: Play, token: str) -> Letter:
    """Return an event that the broker keeps, with an identity of its own."""
    body = {"type": "transcribe", "event": "result", "activeflow_id": play.id, "text": token}
    properties = {"delivery_mode": PERSISTENT, "message_id": token}
    return Letter(body=orjson.dumps(body), routing_key=play.stage.names.event, properties=properties)


def heard(play: Play, token: str) -> bool:
    """Wait until the flow knows of an event; say whether it does in the end."""
    began = monotonic()
    while play.show().get("variables", {}).get(NEWS) != token:
        if play.stage.patience.over(began):
            return False
        sleep(POLL_SECONDS)
    return True


SCRIPTS: Mapping[str, tuple[int, str, Callable[[Play], None]]] = {
    "ivr": (5, "ivr", run_ivr),
    "push": (4, "push", run_push),
    "timers": (3, "timers", run_timers),
    "blocks": (3, "blocks", run_blocks),
    "edits": (3, "edits", run_edits),
    "writes": (3, "writes", run_writes),
    "services": (3, "services", run_services),
    "news": (3, "blocks", run_news),
    "keys": (4, "keys", run_keys),
    "reads": (1, "", run_reads),
    "appends": (4, "", append_elsewhere),
}
"""Weight, flow, and what the caller does; without a flow nothing is created."""


class Caller(Thread):
    """Runs scripts until the play is closing, and finishes the one in hand."""

    def __init__(self, stage: Stage, number: int) -> None:
        super().__init__(name=f"caller-{number}", daemon=True)
        self.stage = stage
        self.dice = stage.random(f"{self.name} scripts")
        self.asker = stage.asker(self.name)

    def run(self) -> None:
        """Run scripts."""
        weights = [weight for weight, _, _ in SCRIPTS.values()]
        while not self.stage.closing.is_set():
            name = self.dice.choices(list(SCRIPTS), weights)[0]
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
