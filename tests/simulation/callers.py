"""Simulated callers: they send requests, repeat them until they are answered, and remember what they were told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from flowmanager.core.ids import FINISH, NIL, START, Id
from flowmanager.transport.envelope import Delivery
from tests.simulation.world import CUSTOMER, REQUEST, World

Json = dict[str, Any]
TRY_SECONDS = 3.0
MOST_TRIES = 60


def act(action_type: str, /, **option: Any) -> Json:
    """Return an action."""
    return {"type": action_type, "option": option}


def some_actions(world: World) -> list[Json]:
    """Return a flow that does a bit of everything and ends."""
    kinds: list[Callable[[], list[Json]]] = [
        lambda: [act("talk", text="hello ${name}")],
        lambda: [act("answer")],
        lambda: [act("variable_set", key="k", value="${k}x")],
        lambda: [act("message_send", text="m")],
        lambda: [act("email_send", subject="s")],
        lambda: [act("sleep", duration=1500)],
        lambda: [act("queue_join", queue_id=world.ids.new())],
        lambda: [act("branch", variable="b", default_target_id="x"), {**act("talk", text="x"), "id": "x"}],
        lambda: [{**act("talk", text="again"), "id": "g"}, act("goto", target_id="g", loop_count=2)],
    ]
    chosen = world.random.sample(kinds, world.random.randint(1, 5))
    return [action for make in chosen for action in make()]


def in_progress(answer: Json) -> bool:
    """Say whether the request is to be repeated later."""
    return bool(answer["status_code"] == 503 and answer["data"]["reason"] == "IN_PROGRESS")


@dataclass
class Caller:
    """One caller and what it knows."""

    world: World
    acknowledged: list[tuple[Json, Json]] = field(default_factory=list)
    """Requests and their answers."""
    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    """All answers by request id."""
    done: bool = False

    def ask(self, method: str, uri: str, data: Any = None) -> Json:
        """Send a request again and again until it is answered; return the answer."""
        request: Json = {"uri": uri, "method": method, "data": data, "request_id": self.world.ids.new()}
        place = self.world.ids.new()
        for _ in range(MOST_TRIES):
            delivery = Delivery(queue=REQUEST, body=orjson.dumps(request), reply_to=place)
            self.world.put(REQUEST, delivery)
            until = self.world.elapsed + TRY_SECONDS
            replies = self.world.replies[place]
            self.world.pause(lambda: bool(replies) or self.world.elapsed >= until)  # noqa: B023, asked at once
            if replies:
                self.bodies[request["request_id"]] = replies
                answer: Json = orjson.loads(replies[0])
                if in_progress(answer):
                    replies.clear()
                    continue
                self.acknowledged.append((request, answer))
                return answer
        raise AssertionError(f"seed {self.world.seed}: no answer to {method} {uri}")

    def must(self, method: str, uri: str, data: Any = None) -> Any:
        """Send a request that must succeed."""
        answer = self.ask(method, uri, data)
        assert answer["status_code"] == 200, (self.world.seed, uri, answer)
        return answer.get("data")

    def flow(self, actions: list[Json], **fields: Any) -> Id:
        """Store a flow."""
        body = {"customer_id": CUSTOMER, "persist": True, "actions": actions, **fields}
        return str(self.must("POST", "/v1/flows", body)["id"])

    def start(self, **fields: Any) -> Id:
        """Create an activeflow of a random flow with after-call work."""
        after = self.flow([act("webhook_send", data="{}"), act("variable_set", key="after", value="yes")])
        flow_id = self.flow(some_actions(self.world), on_complete_flow_id=after)
        body = {
            "id": self.world.ids.new(),
            "customer_id": CUSTOMER,
            "flow_id": flow_id,
            "reference_type": "call",
            "reference_id": self.world.ids.new(),
            "variables": {"name": "Dana"},
            **fields,
        }
        return str(self.must("POST", "/v1/activeflows", body)["id"])


class PullCaller(Caller):
    """Performs what `next` hands out, as call-manager does."""

    def run(self) -> None:
        """Walk a flow to its end."""
        self.activeflow_id = self.start()
        self.handed: list[Id] = []
        seen = START
        while seen != FINISH:
            answer = self.ask("GET", f"/v1/activeflows/{self.activeflow_id}/next", {"current_action_id": seen})
            if answer["status_code"] != 200:
                assert answer["data"]["reason"] in ("ACTIVEFLOW_ENDED", "ACTION_FAILED"), answer
                break
            seen = answer["data"]["id"]
            self.handed.append(seen)
        self.done = True


class PushCaller(Caller):
    """Starts a flow and lets events drive it, pressing keys meanwhile."""

    def run(self) -> None:
        """Start a flow and wait for its end."""
        self.activeflow_id = self.start()
        self.must("POST", f"/v1/activeflows/{self.activeflow_id}/execute")
        self.appended = ""
        for digit in "12345":
            self.world.pause()
            change = {"variables": {"trail": "${trail}" + digit}}
            self.must("POST", f"/v1/variables/{self.activeflow_id}/variables", change)
            self.appended += digit
        self.world.pause(lambda: self.world.store.tables.activeflows[self.activeflow_id].over)
        self.done = True


class Meddler(Caller):
    """Pushes actions into other callers' flows, repeats old requests, and stops some of them."""

    def __init__(self, world: World, others: list[Any]) -> None:
        super().__init__(world)
        self.others = others
        self.pushed: list[tuple[Id, str]] = []

    def run(self) -> None:
        """Meddle a few times."""
        for number in range(4):
            self.world.pause(lambda: any(hasattr(one, "activeflow_id") for one in self.others))
            target = self.world.random.choice([one for one in self.others if hasattr(one, "activeflow_id")])
            self.meddle(target, number)
        self.done = True

    def meddle(self, target: Any, number: int) -> None:
        """Do one thing to an activeflow."""
        uri = f"/v1/activeflows/{target.activeflow_id}"
        chance = self.world.random.random()
        if chance < 0.5:
            text = f"pushed {number}"
            answer = self.ask("POST", f"{uri}/push_actions", {"actions": [act("talk", text=text)]})
            if answer["status_code"] == 200:
                self.pushed.append((target.activeflow_id, text))
        elif chance < 0.8:
            stale = {"current_action_id": self.world.ids.new()}
            answer = self.ask("GET", f"{uri}/next", stale)
            assert answer["status_code"] == 409, (self.world.seed, answer)
        else:
            self.must("POST", f"{uri}/stop")


__all__ = ["NIL", "Meddler", "PullCaller", "PushCaller"]
