"""What callers tell flows by events that the broker keeps: each must be applied, once."""

from __future__ import annotations

from time import monotonic, sleep

import orjson

from flowmanager.transport.envelope import PERSISTENT, Letter
from tests.faults.play import POLL_SECONDS, Play
from tests.faults.story import DIGITS, NEWS, OVER

KEYS, BURST = 80, 20


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
    await_keys(play)
    play.stage.history.add("keys", activeflow_id=play.id, sent=sent)
    play.post("stop", "stop")


def await_keys(play: Play) -> None:
    """Wait until all keys have arrived, or none arrives any more."""
    began, known = monotonic(), 0
    while known < KEYS and not play.stage.patience.over(began):
        found = len(play.show().get("variables", {}).get(DIGITS, ""))
        if found != known:
            began, known = monotonic(), found
        sleep(POLL_SECONDS)


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
