"""A worker of this process and clients of it, on names of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from flowmanager.bootstrap import make_worker
from flowmanager.client import Action, Activeflow, EventSubscriber, Flow, FlowManagerClient
from flowmanager.embedded import in_process_settings
from flowmanager.settings import Settings
from flowmanager.store.engine import make_engine
from flowmanager.store.migrate import migrate
from flowmanager.transport.responder import AnswerRequest, Responder
from tests.processes import Installation

CUSTOMER = str(uuid4())
READY_SECONDS = 60.0


@dataclass(frozen=True)
class ClientRoom:
    """Gives out clients of one installation; all are closed with the stack."""

    installation: Installation
    stack: ExitStack

    @property
    def prefix(self) -> str:
        """What its queues begin with."""
        return self.installation.names.prefix

    @property
    def url(self) -> str:
        """Its broker."""
        return self.installation.url

    def client(self, url: str = "", **options: Any) -> FlowManagerClient:
        """A client."""
        made = FlowManagerClient(url or self.url, prefix=self.prefix, **options)
        return self.stack.enter_context(made)

    def subscriber(self, url: str = "", **options: Any) -> EventSubscriber:
        """A listener to the events."""
        made = EventSubscriber(url or self.url, prefix=self.prefix, **options)
        return self.stack.enter_context(made)

    def peer(self, name: str, answer: AnswerRequest) -> None:
        """Another manager."""
        responder = Responder(self.url, (self.installation.names.request_queue(name),), answer)
        self.stack.callback(responder.stop)
        assert responder.start()


@contextmanager
def worker_on(installation: Installation, settings: Settings) -> Iterator[ClientRoom]:
    """A worker with tables, for the length of a block."""
    engine = make_engine(settings.database_dsn, pool_size=1)
    migrate(engine)
    engine.dispose()
    worker = make_worker(settings)
    worker.start()
    try:
        assert worker.ready(READY_SECONDS)
        with ExitStack() as stack:
            yield ClientRoom(installation, stack)
    finally:
        assert worker.stop(READY_SECONDS)


@contextmanager
def serving(dsn: str, url: str, folder: Path, *, threads: int = 8) -> Iterator[ClientRoom]:
    """A worker on real servers."""
    with ExitStack() as stack:
        installation = Installation(dsn, url, folder, stack)
        stack.callback(installation.clear)
        settings = Settings(
            database_dsn=dsn, rabbitmq_address=url, queue_prefix=installation.names.prefix, threads=threads
        )
        yield stack.enter_context(worker_on(installation, settings))


@contextmanager
def serving_embedded(folder: Path) -> Iterator[ClientRoom]:
    """A worker that needs no server."""
    with ExitStack() as stack:
        installation = Installation("", "memory://", folder, stack)
        settings = in_process_settings(Settings(queue_prefix=installation.names.prefix), folder)
        yield stack.enter_context(worker_on(installation, settings))


def talk(text: str, **more: Any) -> Action:
    """An action that the caller performs."""
    return Action(type="talk", option={"text": text}, **more)


def started(client: FlowManagerClient, *actions: Any, **more: Any) -> tuple[Flow, Activeflow]:
    """A flow and an activeflow of it."""
    flow = client.flows.create(CUSTOMER, actions=actions)
    wanted = {"reference_type": "call", "reference_id": str(uuid4()), **more}
    return flow, client.activeflows.create(CUSTOMER, flow.id, **wanted)
