"""What all callers of a run share."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random
from threading import Event, Lock

from flowmanager.stub_managers.queue_plan import QueuePlan
from flowmanager.stub_managers.run import ServedStubs
from flowmanager.transport.names import Names
from tests.faults.asker import Asker, Patience, Reply
from tests.faults.flows import ACTIONS, FOLLOWED_BY, SHAPES, ids_of
from tests.faults.history import History, Json
from tests.faults.post import Post

KEPT = 60
NEAR = 4
"""Writers choose among so many activeflows: they must meet."""


@dataclass
class Stage:
    """Where callers play: addresses, flows, and the end of the play."""

    url: str
    names: Names
    history: History
    patience: Patience
    seed: int
    stubs: ServedStubs
    post: Post
    customers: tuple[str, ...] = ()
    flows: dict[tuple[str, str], Json] = field(default_factory=dict)
    """By shape and customer."""
    closing: Event = field(default_factory=Event)
    """No script is begun any more."""
    live: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Activeflows whose variables others may write."""
    answered: deque[tuple[str, bytes]] = field(default_factory=lambda: deque(maxlen=KEPT * 5))
    """Requests that were answered lately: id and body."""
    lock: Lock = field(default_factory=Lock)

    def random(self, name: str) -> Random:
        """Return the dice of one caller."""
        return Random(f"{self.seed} {name}")

    def asker(self, name: str) -> Asker:
        """Return a connection for requests."""
        random = self.random(name)
        asker = Asker(self.url, self.names.request, self.history, random, self.patience, ids_of(random))
        asker.answered = self.answered
        return asker

    def pick_live(self, random: Random) -> str | None:
        """Return one of the activeflows that were begun lately."""
        with self.lock:
            return random.choice(list(self.live)[-NEAR:]) if self.live else None

    def begin(self, activeflow_id: str) -> None:
        """Let others know of an activeflow."""
        with self.lock:
            self.live.append(activeflow_id)


class NotPrepared(RuntimeError):
    """A flow could not be stored before the faults: a broken build may refuse even that."""


def prepare(stage: Stage, asker: Asker) -> None:
    """Make customers and their flows, before anything goes wrong."""
    stage.customers = (asker.new_id(), asker.new_id())
    for customer_id in stage.customers:
        for shape in SHAPES:
            stage.flows[shape, customer_id] = made(asker, customer_id, shape, ACTIONS[shape](asker.new_id))
        queue_id = stage.flows["services", customer_id]["actions"][1]["option"]["queue_id"]
        stage.stubs.queue(queue_id, QueuePlan(wait_flow_id=stage.flows["hold", customer_id]["id"]))
        for shape, follower in FOLLOWED_BY.items():
            flow, next_flow = stage.flows[shape, customer_id], stage.flows[follower, customer_id]
            wanted = {"name": shape, "actions": flow["actions"], "on_complete_flow_id": next_flow["id"]}
            checked(asker.ask("update-flow", "PUT", f"/v1/flows/{flow['id']}", wanted))
            flow["on_complete_flow_id"] = next_flow["id"]
    for (shape, customer_id), flow in stage.flows.items():
        stage.history.add("flow", shape=shape, customer_id=customer_id, **{key: flow[key] for key in FACTS})


FACTS = ("id", "actions", "on_complete_flow_id")


def made(asker: Asker, customer_id: str, shape: str, actions: list[Json]) -> Json:
    """Store a flow."""
    wanted = {"customer_id": customer_id, "type": "flow", "name": shape, "persist": True, "actions": actions}
    reply = checked(asker.ask("create-flow", "POST", "/v1/flows", wanted))
    return {"id": reply.data["id"], "actions": actions, "on_complete_flow_id": ""}


def checked(reply: Reply) -> Reply:
    """Return a good answer; before the faults there is no other."""
    if not reply.good:
        raise NotPrepared(f"not prepared: {reply}")
    return reply
