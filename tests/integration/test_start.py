"""The start of a worker: one connection to the broker comes before all others, and waits for nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowmanager import bootstrap
from flowmanager.bootstrap import Worker, make_worker
from flowmanager.settings import Settings
from flowmanager.store.engine import make_engine
from flowmanager.store.migrate import migrate
from tests.broker_room import open_room
from tests.client_room import READY_SECONDS
from tests.processes import free_port


def started(tmp_path: Path, url: str, prefix: str) -> Worker:
    """A worker that has just been started."""
    dsn = f"sqlite:///{tmp_path}/flow.sqlite"
    engine = make_engine(dsn)
    migrate(engine)
    engine.dispose()
    worker = make_worker(Settings(rabbitmq_address=url, database_dsn=dsn, queue_prefix=prefix))
    worker.start()
    return worker


def test_a_worker_that_was_started_takes_requests(
    rabbitmq_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only once all its connections are open."""
    monkeypatch.setattr(bootstrap, "FIRST_LANE_SECONDS", READY_SECONDS)
    with open_room(rabbitmq_address) as room:
        worker = started(tmp_path, room.url, room.names.prefix)
        try:
            assert worker.lanes[0].ready.is_set()
        finally:
            assert worker.stop(READY_SECONDS)


def test_a_broker_that_is_away_holds_up_no_other_part(tmp_path: Path) -> None:
    """Timers and the heartbeat are there, and the lanes try again."""
    worker = started(tmp_path, f"amqp://guest:guest@127.0.0.1:{free_port()}//", "away")
    try:
        assert all(thread.is_alive() for thread in (*worker.lanes, *worker.sweepers, worker.relay, worker.heart))
        assert not worker.lanes[0].ready.is_set()
    finally:
        assert worker.stop(READY_SECONDS)
