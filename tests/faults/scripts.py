"""What callers do with the flows: walk through them, start them, change them, read."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic, sleep

from tests.faults.flows import LOOPS, NUMBER_LIMIT, act, email, names_of, nap
from tests.faults.play import POLL_SECONDS, STALE_SHARE, STOP_SHARE, Play, walk
from tests.faults.story import DIGITS, OVER

SERVICE_SECONDS = 6.0
CHOICES = "123779"


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


def run_jumps(play: Play) -> None:
    """Jump out of waits that nothing else would end; what was acknowledged is done."""
    play.post("execute", "execute")
    actions = play.flow["actions"]
    for target in (actions[2], actions[4]):
        if play.until("blocked", *OVER)["state"] in OVER:
            return
        data = {"forward_action_id": target["id"], "forward_now": True}
        play.ask("forward", "PUT", f"{play.uri}/forward_action_id", data)
    play.until(*OVER)


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
