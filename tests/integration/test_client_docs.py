"""The examples of docs/client.md work, one after the other, as a reader would run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowmanager.transport.session import Session
from tests.client_room import ClientRoom, serving, serving_embedded
from tests.documents import ROOT, blocks
from tests.services import Services, private_database

PAGE = ROOT / "docs" / "client.md"


@pytest.fixture
def embedded_room(tmp_path: Path) -> Iterator[ClientRoom]:
    with serving_embedded(tmp_path) as room:
        yield room


@pytest.fixture
def real_room(services: Services, tmp_path: Path) -> Iterator[ClientRoom]:
    with private_database(services.database_dsn) as dsn, serving(dsn, services.rabbitmq_address, tmp_path) as room:
        yield room
        session = Session(room.url)
        session.channel().queue_delete(f"{room.prefix}.billing-manager.flow-events")
        session.close()


@pytest.mark.parametrize("kind", ["embedded", "real"])
def test_the_examples_work(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    room: ClientRoom = request.getfixturevalue(f"{kind}_room")
    monkeypatch.setenv("RABBITMQ_ADDRESS", room.url)
    monkeypatch.setenv("FLOWMANAGER_QUEUE_PREFIX", room.prefix)
    names: dict[str, Any] = {}
    examples = [block for block in blocks(PAGE) if block.kind == "python"]
    assert len(examples) == PAGE.read_text().count("```python")
    for example in examples:
        example.execute(names)
